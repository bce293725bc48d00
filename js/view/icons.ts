/** Line icons on a 24-unit grid. */

const PATHS = {
  pause: '<path d="M9 5.5v13M15 5.5v13"/>',
  play: '<path d="M8 5.2v13.6L19 12z" fill="currentColor"/>',
  home: '<path d="M4 11.4 12 5l8 6.4M6.2 10v9h11.6v-9M10 19v-5h4v5"/>',
  camera: '<path d="M4 8.2h3.4L9 5.8h6l1.6 2.4H20V18.6H4z"/><circle cx="12" cy="13" r="3.2"/>',
  statistics: '<path d="M4 19.5h16M6.5 16v-4M11 16V6.5M15.5 16v-6.5M20 16v-2.5"/>',
  quality:
    '<path d="M4 7.5h9M17.5 7.5H20M4 16.5h2.5M11 16.5h9"/><circle cx="15.2" cy="7.5" r="2.2"/><circle cx="8.8" cy="16.5" r="2.2"/>',
  enter: '<path d="M4.5 9.2V4.5h4.7M14.8 4.5h4.7v4.7M19.5 14.8v4.7h-4.7M9.2 19.5H4.5v-4.7"/>',
  leave: '<path d="M9.2 4.5v4.7H4.5M19.5 9.2h-4.7V4.5M14.8 19.5v-4.7h4.7M4.5 14.8h4.7v4.7"/>',
  target: '<circle cx="12" cy="12" r="3.6"/><ellipse cx="12" cy="12" rx="9.6" ry="3.7" transform="rotate(-24 12 12)"/>',
  viewers:
    '<circle cx="9" cy="8.5" r="3.2"/><path d="M3.2 19c.5-3.6 2.7-5.4 5.8-5.4s5.3 1.8 5.8 5.4M15.4 5.8a3 3 0 0 1 0 5.5M17.3 14c2 .6 3.2 2.2 3.6 5"/>',
  share:
    '<circle cx="17.5" cy="5.8" r="2.6"/><circle cx="6.5" cy="12" r="2.6"/><circle cx="17.5" cy="18.2" r="2.6"/><path d="m8.8 10.7 6.4-3.6M8.8 13.3l6.4 3.6"/>',
  chevron: '<path d="m7 14 5-5 5 5"/>',
  check: '<path d="m5.5 12.5 4.3 4.3 8.7-9.3"/>',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `osw-icon osw-icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = PATHS[name];
  return svg;
}
