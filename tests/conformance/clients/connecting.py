"""What both of PyPI's clients want around what is asked of them; they have the same class, of different versions."""

import asyncio


def conform(make, script):
    """Connect what ``make()`` gives, run ``script`` with it, and say CONFORMS if that ends well within 30 s."""
    asyncio.run(_conform(make, script))


async def _conform(make, script):
    api = make()
    done = asyncio.get_running_loop().create_future()

    async def connected():
        async def go():
            try:
                await script(api)
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)

        connected.task = asyncio.create_task(go())

    api.onConnect(connected)
    await api.connect()
    await asyncio.wait_for(done, 30)
    api.disconnect()
    print("CONFORMS")
