/** Element construction. The view keeps its nodes instead of looking them up: it may be in a shadow root. */

type Child = Node | string | null;

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

let lastId = 0;

/** An id for aria references, unique in the page. */
export function freshId(name: string): string {
  lastId += 1;
  return `osw-${name}-${lastId}`;
}

/** The focused element in the document or shadow root that `node` belongs to. */
export function focusedNear(node: Node): Element | null {
  return (node.getRootNode() as Document | ShadowRoot).activeElement;
}
