/**
 * The page in front of a session that the browser may not see yet: exchanges a share link's key for a cookie.
 *
 * The key follows the `#` of the link, so only the browser knows it. It leaves the address bar at once. A login loses
 * what follows the `#`, so this tab's session storage keeps the key meanwhile.
 */

import { requestJson, RestError } from "../session/rest.ts";
import { pageServer, readPageData, showError } from "./page.ts";

const page = readPageData();
const storageKey = `openspace-share-${page.session}`;
const here = location.pathname;

async function enter(): Promise<void> {
  const fromLink = new URLSearchParams(location.hash.slice(1)).get("share");
  history.replaceState(null, "", here);
  if (fromLink) sessionStorage.setItem(storageKey, fromLink);
  const key = fromLink ?? sessionStorage.getItem(storageKey);
  if (!key) {
    if (!page.user) location.replace(`${here}?login`);
    return;
  }
  try {
    await requestJson(pageServer(page), "POST", `sessions/${page.session}/enter`, { key });
  } catch (error) {
    if (!page.user && error instanceof RestError && error.status === 403) return location.replace(`${here}?login`);
    sessionStorage.removeItem(storageKey);
    return showError(error);
  }
  sessionStorage.removeItem(storageKey);
  location.replace(here);
}

void enter();
