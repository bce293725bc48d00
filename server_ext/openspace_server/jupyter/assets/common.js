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

/** Do it again every few seconds, as long as somebody looks. */
export function repeat(work, milliseconds) {
  const turn = async () => {
    if (!document.hidden) await work().catch((problem) => say(problem.message));
    setTimeout(turn, milliseconds);
  };
  void turn();
}
