"""Bandwidth adaptation with a simulated network and clock."""

from __future__ import annotations

from openspace_server.instance.streaming.adaptation import FLOOR, Adaptation, BandwidthEstimate, Sample
from openspace_server.instance.streaming.layers import MAIN, SMALL, LayerSettings

LIMIT = 4_000_000
STEP = 0.25


class Network:
    """Viewers behind bottlenecks, reporting every quarter of a second: what does not fit queues, then gets lost."""

    def __init__(self, *widths: float, loss: float = 0.0, round_trip: float = 0.02) -> None:
        self.now = 100.0
        self.adaptation = Adaptation(LIMIT, 30)
        self.widths = dict(enumerate(widths))
        self.loss = loss
        self.round_trip = round_trip
        self.queued = dict.fromkeys(self.widths, 0.0)
        for viewer in self.widths:
            self.adaptation.estimate(viewer, self.now)
        self.look()

    def look(self) -> dict[int, LayerSettings]:
        self.layers = self.adaptation.assign(self.now)
        self.plan = self.adaptation.plan(set(self.layers.values()), self.now)
        return self.plan

    def run(self, seconds: float) -> dict[int, LayerSettings]:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            for viewer, width in self.widths.items():
                sent = self.plan[self.layers[viewer]].bit_rate
                queued = max(0.0, self.queued[viewer] + (sent - width) * STEP)
                overflow = max(0.0, queued - 0.3 * width)
                self.queued[viewer] = queued - overflow
                loss = min(1.0, self.loss + overflow / (sent * STEP))
                sample = Sample(
                    sent, loss, self.round_trip + self.queued[viewer] / width, min(width, sent) * (1 - self.loss)
                )
                self.adaptation.sample(viewer, sample, self.now)
            self.look()
        return self.plan


def test_a_fast_network_gets_everything() -> None:
    assert Network(50e6).run(5) == {MAIN: LayerSettings(LIMIT, 30)}


def test_a_slow_network_gets_what_it_carries_within_two_seconds() -> None:
    network = Network(1.5e6)
    network.run(2)
    assert 0.5 * 1.5e6 < network.plan[MAIN].bit_rate < 1.6e6
    assert network.queued[0] / 1.5e6 < 0.35
    network.run(10)
    assert network.plan[MAIN].bit_rate < 1.6e6


def test_bits_go_first_then_frames_then_pixels_and_all_are_regained() -> None:
    adaptation = Adaptation(LIMIT, 30)
    estimate = adaptation.estimate("viewer", 0.0)
    seen = []
    for part in (0.5, 0.2, 0.1, 0.05):
        estimate.capacity = LIMIT * part
        (settings,) = adaptation.plan([MAIN], 1.0).values()
        seen.append((settings.frame_rate, settings.scale))
    assert seen == [(30, 1.0), (15, 1.0), (15, 0.75), (15, 0.5)]
    estimate.capacity = LIMIT
    assert adaptation.plan([MAIN], 2.0)[MAIN].scale == 0.5
    for second in range(3, 20):
        settings = adaptation.plan([MAIN], float(second))[MAIN]
    assert settings == LayerSettings(LIMIT, 30)


def test_a_step_down_and_up_again() -> None:
    network = Network(5e6)
    network.run(5)
    network.widths[0] = 0.5e6
    network.run(2)
    assert FLOOR <= network.plan[MAIN].bit_rate < 0.7e6
    assert network.plan[MAIN].frame_rate == 15
    network.widths[0] = 5e6
    network.run(30)
    assert network.plan[MAIN] == LayerSettings(LIMIT, 30)


def test_a_network_that_collapses_gets_small_frames_at_once_and_larger_ones_later() -> None:
    adaptation = Adaptation(LIMIT, 30)
    for second in range(5):
        adaptation.sample("viewer", Sample(LIMIT, arrived=LIMIT), float(second))
    adaptation.sample("viewer", Sample(LIMIT, arrived=LIMIT / 8), 5.25)
    settings = adaptation.plan([MAIN], 5.25)[MAIN]
    assert (settings.scale, settings.frame_rate) == (0.5, 15)
    assert settings.bit_rate < LIMIT / 8
    assert adaptation.plan([MAIN], 5.5)[MAIN].scale == 0.5
    assert adaptation.plan([MAIN], 8.0)[MAIN].scale == 0.75


def test_little_that_arrives_at_the_beginning_of_a_movement_proves_nothing() -> None:
    adaptation = Adaptation(LIMIT, 30)
    adaptation.sample("viewer", Sample(0, arrived=0), 0.0)
    adaptation.sample("viewer", Sample(LIMIT, arrived=LIMIT / 8), 0.25)
    adaptation.sample("viewer", Sample(LIMIT, arrived=LIMIT), 0.5)
    assert adaptation.plan([MAIN], 0.5) == {MAIN: LayerSettings(LIMIT, 30)}


def test_random_loss_on_a_fast_network_costs_no_bits() -> None:
    for loss in (0.01, 0.05, 0.1):
        network = Network(50e6, loss=loss, round_trip=0.1)
        assert network.run(10)[MAIN] == LayerSettings(LIMIT, 30), loss


def test_one_slow_network_lowers_no_other_viewers_quality() -> None:
    network = Network(50e6, 50e6, 0.6e6)
    network.run(4)
    assert network.layers == {0: MAIN, 1: MAIN, 2: SMALL}
    assert network.plan[MAIN] == LayerSettings(LIMIT, 30)
    assert network.plan[SMALL].scale <= 0.5
    assert network.plan[SMALL].bit_rate < 0.75e6
    assert not network.adaptation.is_full_quality


def test_quality_is_full_until_a_viewer_loses_frames_or_pixels() -> None:
    network = Network(50e6)
    network.run(2)
    assert network.adaptation.is_full_quality
    network.widths[0] = 0.4e6
    network.run(3)
    assert not network.adaptation.is_full_quality
    network.widths[0] = 50e6
    network.run(40)
    assert network.adaptation.is_full_quality


def test_equal_networks_share_the_main_layer_and_a_single_viewer_always_gets_it() -> None:
    network = Network(1.5e6, 1.5e6)
    network.run(5)
    assert set(network.layers.values()) == {MAIN}
    network = Network(50e6, 0.6e6)
    network.run(5)
    assert network.layers[1] == SMALL
    del network.widths[0]
    network.adaptation.forget(0)
    network.look()
    assert network.layers == {1: MAIN}


def test_a_network_that_recovers_gets_the_main_layer_and_a_slow_one_tries_ever_less_often() -> None:
    network = Network(50e6, 0.6e6)
    network.run(5)
    network.widths[1] = 50e6
    network.run(20)
    assert network.layers[1] == MAIN
    network = Network(50e6, 1.8e6)
    tries, before = 0, MAIN
    for _ in range(480):
        network.run(STEP)
        tries += network.layers[1] == MAIN != before
        before = network.layers[1]
    assert 1 <= tries <= 5


def test_a_viewer_that_needs_key_frames_all_the_time_gets_the_small_layer() -> None:
    network = Network(50e6, 50e6)
    network.adaptation.estimate(1, network.now).needs_key_frames = True
    network.run(1)
    assert network.layers == {0: MAIN, 1: SMALL}


def test_nothing_is_learnt_from_a_view_at_rest() -> None:
    estimate = BandwidthEstimate(500_000, 0.0)
    for n in range(100):
        estimate.sample(Sample(0.0, round_trip=0.02, arrived=0.0), n * STEP, LIMIT)
    assert estimate.capacity == 500_000


def test_silence_while_frames_are_sent_reduces_the_estimate() -> None:
    estimate = BandwidthEstimate(LIMIT, 0.0)
    estimate.sample(Sample(LIMIT, arrived=LIMIT), 0.0, LIMIT)
    estimate.tick(1.0, is_sending=True)
    assert estimate.capacity == LIMIT
    estimate.tick(2.0, is_sending=True)
    assert estimate.capacity < LIMIT
    reduced = estimate.capacity
    estimate.tick(9.0, is_sending=False)
    assert estimate.capacity == reduced


def test_a_chosen_quality_is_the_limit() -> None:
    network = Network(50e6)
    network.adaptation.set_limits(1_000_000, 60)
    assert network.run(5)[MAIN] == LayerSettings(1_000_000, 60)
    network.adaptation.set_limits(2_000_000, 30)
    assert network.look()[MAIN] == LayerSettings(2_000_000, 30)
