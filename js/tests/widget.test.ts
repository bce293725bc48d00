import { afterEach, beforeEach, expect, test, vi } from "vitest";
import widget from "../widget.ts";
import { FakeSocket } from "./fakes.ts";
import { SESSION, tunnel } from "./wire.ts";

const DEFAULTS = {
  session: "",
  session_name: "",
  state: "starting",
  reason: "",
  base_url: "/",
  width_css: null,
  aspect: 16 / 9,
  still: "",
};

class FakeModel {
  readonly listeners = new Map<string, Set<() => void>>();
  readonly #traits: Record<string, unknown>;

  constructor(traits: object = {}) {
    this.#traits = { ...DEFAULTS, ...traits };
  }

  readonly sent: { do?: string; channel?: string; socket?: string }[] = [];
  send = (content: unknown): void => void this.sent.push(content as object);

  get = (name: string): never => this.#traits[name] as never;

  set(name: string, value: unknown): void {
    this.#traits[name] = value;
    for (const listener of this.listeners.get(`change:${name}`) ?? []) listener();
  }

  on = (event: string, listener: () => void): void => {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  };

  off = (event: string, listener: () => void): void => {
    this.listeners.get(event)?.delete(listener);
  };

  receive(content: object): void {
    for (const listener of this.listeners.get("msg:custom") ?? [])
      (listener as (content: object, buffers: DataView[]) => void)(content, []);
  }

  get listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, each) => sum + each.size, 0);
  }
}

let sockets: { url: string; socket: FakeSocket }[];
let cleanUps: (() => void)[];

beforeEach(() => {
  sockets = [];
  cleanUps = [];
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      static readonly CONNECTING = 0;
      static readonly OPEN = 1;
      constructor(url: string) {
        super();
        sockets.push({ url, socket: this });
      }
    },
  );
});
afterEach(() => {
  for (const clean of cleanUps) clean();
  vi.unstubAllGlobals();
  document.body.innerHTML = "";
});

function show(model: FakeModel): HTMLElement {
  const el = document.createElement("div");
  document.body.append(el);
  cleanUps.push(widget.render({ model, el }));
  return el;
}
const state = (el: HTMLElement) => el.querySelector<HTMLElement>(".osw-view")?.dataset.state;
/** Events sockets, one per view that follows a session. */
const followed = () => sockets.filter(({ url }) => url.endsWith("/events"));
const chip = (el: HTMLElement) => el.querySelector(".osw-chip")?.textContent;

test("it waits for its session, then follows it", () => {
  const model = new FakeModel();
  const el = show(model);
  expect(state(el)).toBe("starting");
  expect(sockets).toEqual([]);
  model.set("session", "one");
  expect(sockets[0]?.url).toContain("sessions/one/events");
  sockets[0]!.socket.receive(JSON.stringify({ ...SESSION, state: "STARTING" }));
  expect(state(el)).toBe("starting");
  model.set("session", "two");
  expect(sockets[0]!.socket.closed).toBe(true);
  expect(sockets[1]?.url).toContain("sessions/two/events");
});

test("each view of a model is its own viewer", () => {
  const model = new FakeModel({ session: "one", state: "running" });
  show(model);
  show(model);
  expect(followed()).toHaveLength(2);
});

test("a session that is known to run is joined at once", async () => {
  show(new FakeModel({ session: "one", state: "running" }));
  await Promise.resolve();
  expect(sockets.map(({ url }) => url.slice(url.lastIndexOf("/") + 1))).toEqual(["events", "media"]);
});

test("a start that failed says why", () => {
  const model = new FakeModel();
  const el = show(model);
  model.set("reason", "no OpenGL here");
  model.set("state", "failed");
  expect(state(el)).toBe("failed");
  expect(chip(el)).toContain("No OpenGL here. Run the cell again");
});

test("close() ends the view, and a saved notebook with a closed session joins nothing", () => {
  const model = new FakeModel({ session: "one", state: "running" });
  const el = show(model);
  model.set("state", "closed");
  expect(state(el)).toBe("ended");
  expect(sockets[0]!.socket.closed).toBe(true);
  show(new FakeModel({ session: "one", state: "closed" }));
  expect(followed()).toHaveLength(1);
});

test("a session that ends elsewhere ends the view with its reason", () => {
  const el = show(new FakeModel({ session: "one", state: "running" }));
  sockets[0]!.socket.receive(JSON.stringify({ ...SESSION, state: "LOST", reason: "the host was switched off" }));
  expect(state(el)).toBe("failed");
  expect(chip(el)).toContain("The host was switched off.");
});

test("without a Jupyter server it asks the kernel, shows the still, and says that there is no live view", () => {
  const model = new FakeModel({ session: "one", base_url: "", still: "data:image/png;base64,AAAA" });
  const el = show(model);
  expect(model.sent).toMatchObject([{ do: "open", channel: "events" }]);
  expect(chip(el)).toContain("needs its kernel to be running");
  expect(el.querySelector<HTMLImageElement>(".osw-still")?.hidden).toBe(false);
  expect(sockets).toEqual([]);
});

test("where the server sends nothing for two seconds, the route through the kernel is taken", async () => {
  vi.useFakeTimers();
  try {
    const model = new FakeModel({ session: "one", state: "running" });
    const el = show(model);
    await vi.advanceTimersByTimeAsync(2000);
    expect(sockets[0]!.socket.closed).toBe(true);
    const [opened] = model.sent;
    expect(opened).toMatchObject({ do: "open", channel: "events" });
    const send = (message: object) => model.receive({ ...message, socket: opened!.socket });
    send(tunnel.from_kernel.opened);
    send({ ...tunnel.from_kernel.message, text: JSON.stringify({ ...SESSION, state: "RUNNING" }) });
    expect(state(el)).toBe("connecting");
    await vi.advanceTimersByTimeAsync(10);
    expect(model.sent.at(-1)).toMatchObject({ do: "open", channel: "media" });
    send(tunnel.from_kernel.closed);
    expect(state(el)).toBe("ended");
  } finally {
    vi.useRealTimers();
  }
});

test("width and shape follow the model", () => {
  const model = new FakeModel({ width_css: 640, aspect: 2 });
  const view = show(model).querySelector<HTMLElement>(".osw-view")!;
  expect(view.style.width).toBe("640px");
  expect(view.style.getPropertyValue("--osw-aspect")).toBe("2");
  model.set("width_css", null);
  expect(view.style.width).toBe("");
});

test("tearing down leaves nothing: no node, no listener, no socket", () => {
  const model = new FakeModel({ session: "one", state: "running" });
  const el = document.createElement("div");
  const life = new AbortController();
  const clean = widget.render({ model, el, signal: life.signal });
  life.abort();
  clean();
  expect(el.childElementCount).toBe(0);
  expect(model.listenerCount).toBe(0);
  expect(sockets[0]!.socket.closed).toBe(true);
});
