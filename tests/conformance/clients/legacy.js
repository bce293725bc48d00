// Runs where npm's openspace-api-js 0.1.6 is installed: `node legacy.js FOLDER tcp|websocket PORT PASSWORD`.
const assert = require("assert");
const path = require("path");

const [folder, transport, port, password] = process.argv.slice(2);
const modules = path.join(folder, "node_modules");
const uri = "Scene.Earth.Renderable.Enabled";

if (transport === "websocket") {
  global.WebSocket = require(path.join(modules, "ws")); // node 20 has none of its own
}
const entry = transport === "websocket" ? "browser.js" : "node.js";
const api = require(path.join(modules, "openspace-api-js", "src", entry))("127.0.0.1", Number(port));

async function script() {
  if (password) {
    assert.deepStrictEqual(await api.authenticate("wrong"), ["status", "incorrectKey"]);
  }
  assert.deepStrictEqual(await api.authenticate(password), ["status", "authorized"]);

  const values = await api.executeLuaScript("return 1, 'zwölf', {1, 2, 3}");
  assert.deepStrictEqual(values, { 1: 1, 2: "zwölf", 3: [1, 2, 3] });
  assert.deepStrictEqual(await api.executeLuaScript("return nonsense.here"), {});

  const openspace = await api.library();
  await openspace.time.setTime("2031-05-06T07:08:09");
  assert.strictEqual((await openspace.time.UTC())[1], "2031-05-06T07:08:09.000");
  const single = await api.singleReturnLibrary();
  assert.strictEqual(await single.propertyValue(uri), true);
  await single.navigation.jumpTo("Mars");
  assert.strictEqual((await single.navigation.getNavigationState()).Anchor, "Mars");

  const found = await api.getProperty(uri);
  assert.strictEqual(found.value, true);
  assert.strictEqual(found.Description.Type, "BoolProperty");

  const topic = api.subscribeToProperty(uri);
  const values_ = topic.iterator();
  assert.strictEqual((await values_.next()).value.value, true);
  // One pending promise per topic: this client may miss the message that follows in the same chunk.
  const changed = nextWhere(values_, (message) => message.Value === false);
  api.setProperty(uri, false);
  await changed;
  topic.cancel();

  const events = api.startTopic("event", { event: "FocusNodeChanged", status: "start_subscription" });
  const event = events.iterator().next();
  await single.navigation.setFocus("Earth");
  assert.strictEqual((await event).value.NewNode, "Earth");
  events.cancel();

  const time = api.startTopic("time", { event: "start_subscription" });
  assert.ok((await time.iterator().next()).value.time.startsWith("2031-05-06"));
  time.talk({ event: "stop_subscription" });
  time.cancel();
}

async function nextWhere(iterator, fits) {
  for (;;) {
    const { value } = await iterator.next();
    if (fits(value)) {
      return value;
    }
  }
}

api.onConnect(() => {
  script().then(
    () => {
      console.log("CONFORMS");
      process.exit(0);
    },
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
api.connect();
