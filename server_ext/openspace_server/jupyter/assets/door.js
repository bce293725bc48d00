// Behind the `#` of a link is its key, which only the browser knows: it is taken out of the address bar at once and
// exchanged for a cookie. Through a login, which loses what is behind the `#`, this tab keeps it.
import { ask, page, say } from "./common.js";

const kept = `openspace-share-${page.session}`;
const here = location.pathname;

async function enter() {
  const given = new URLSearchParams(location.hash.slice(1)).get("share");
  history.replaceState(null, "", here);
  if (given) sessionStorage.setItem(kept, given);
  const key = given ?? sessionStorage.getItem(kept);
  if (!key) {
    if (!page.user) location.replace(`${here}?login`);
    return;
  }
  try {
    await ask("POST", `sessions/${page.session}/enter`, { key });
  } catch (problem) {
    if (!page.user && problem.status === 403) return location.replace(`${here}?login`);
    sessionStorage.removeItem(kept);
    return say(problem.message);
  }
  sessionStorage.removeItem(kept);
  location.replace(here);
}

void enter();
