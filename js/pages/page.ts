/** The page that a script runs in: its data, its server, and its notice for people. */

import { findServer, type Server } from "../session/server.ts";
import { make } from "../util/dom.ts";

/** What `jupyter/pages.py` writes into the page. */
export interface PageData {
  readonly baseUrl: string;
  readonly session: string;
  /** The stream page: the session runs. */
  readonly running: boolean;
  /** The stream page: opened by a share link. */
  readonly guest: boolean;
  /** The door: empty without a login. */
  readonly user: string;
}

const NO_DATA: PageData = { baseUrl: "", session: "", running: false, guest: false, user: "" };

export function readPageData(): PageData {
  const data = JSON.parse(byId("openspace-page").textContent || "{}") as Partial<PageData>;
  return { ...NO_DATA, ...data };
}

/** The server that the page came from. */
export function pageServer({ baseUrl }: PageData): Server {
  const server = findServer(baseUrl);
  if (server === null) throw new Error("this page was not opened from a Jupyter server");
  return server;
}

/** The address of one of our pages. */
export function pageUrl({ baseUrl }: PageData, path = ""): string {
  return `${baseUrl}openspace/${path}`;
}

export function byId<Element extends HTMLElement = HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element "${id}"`);
  return element as Element;
}

export function showNotice(text: string): void {
  byId("notice").textContent = text;
}

export function showError(error: unknown): void {
  showNotice(error instanceof Error ? error.message : String(error));
}

/** A button whose action may fail; the failure is shown. */
export function actionButton(text: string, label: string, kind: string, action: () => Promise<void>): HTMLElement {
  const button = make("button", { class: kind, "aria-label": label }, text);
  button.addEventListener("click", () => void action().catch(showError));
  return button;
}

/** Repeats `work` while the page is visible, and at once when it becomes visible again. */
export function poll(work: () => Promise<void>, milliseconds: number): void {
  const next = async () => {
    if (!document.hidden) await work().catch(showError);
    setTimeout(next, milliseconds);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void work().catch(showError);
  });
  void next();
}

/** Renders only values that differ from the last one, so that a button is not replaced under the pointer. */
export function onChange<Value>(render: (value: Value) => void): (value: Value) => void {
  let last = "";
  return (value) => {
    const next = JSON.stringify(value);
    if (next !== last) render(value);
    last = next;
  };
}
