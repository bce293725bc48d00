// What the pages share: requests to our own server, and nothing kept in the browser.
export const page = JSON.parse(document.getElementById("openspace-page").textContent);
export const api = `${page.baseUrl}openspace/api/v1/`;

/** Ask the REST interface; throws an Error with the server's words. */
export async function ask(method, path, body) {
  const xsrf = /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "";
  const response = await fetch(api + path, {
    method,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-XSRFToken": decodeURIComponent(xsrf) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.message ?? response.statusText), { status: response.status });
  return answer;
}

/** An element with text and attributes; text is never HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function say(text) {
  document.getElementById("notice").textContent = text;
}

const STATES = {
  REQUESTED: ["busy", "Waiting for a free place"],
  RESERVED: ["busy", "A place is reserved"],
  STARTING: ["busy", "Starting"],
  RUNNING: ["good", "Running"],
  DISCONNECTED: ["good", "Running, nobody watches"],
  STOPPING: ["off", "Ending"],
  STOPPED: ["off", "Ended"],
  FAILED: ["bad", "Failed"],
  LOST: ["bad", "Lost"],
  joining: ["busy", "Joining"],
  ready: ["good", "Ready"],
  draining: ["busy", "Draining"],
  lost: ["bad", "Lost"],
  gone: ["off", "Gone"],
};

/** A state of a session or host in words. */
export function words(state) {
  return STATES[state]?.[1] ?? state;
}

export function badge(state) {
  return element("span", { class: `state ${STATES[state]?.[0] ?? "off"}` }, words(state));
}

/** Whether the session can be seen now. */
export function live(session) {
  return session.state === "RUNNING" || session.state === "DISCONNECTED";
}

/** Do it again every few seconds, as long as somebody looks. */
export function repeat(work, milliseconds) {
  const turn = async () => {
    if (!document.hidden) await work().catch((problem) => say(problem.message));
    setTimeout(turn, milliseconds);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void work().catch((problem) => say(problem.message));
  });
  void turn();
}

/** `draw(told)` only when `told` is new: who is about to press a button keeps it. */
export function whenNew(draw) {
  let last = "";
  return (told) => {
    const next = JSON.stringify(told);
    if (next !== last) draw(told);
    last = next;
  };
}
