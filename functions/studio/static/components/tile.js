// A generation among others. What it looks like is asked for when the tile comes into sight.

import { usd } from "../format.js";
import { hasEnded, mainTake, readGeneration } from "../generations.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "./icons.js";
import { State } from "./states.js";
import { Thumbnail } from "./take.js";

const seen = new Map(); // by id: ended generations do not change, their links live for minutes

/** `href` makes it a link, `onPick` a button that hands the whole generation over. */
export function Tile({ item, href, onPick, current }) {
  const box = useRef(null);
  const whole = useInSight(box, item);
  const take = whole && mainTake(whole);
  const inside = html`
    <div class="tile-picture">
      ${take
        ? html`<${Thumbnail} take=${take} />`
        : html`<span class="quiet small">${item.state === "succeeded" ? "" : item.failure?.code ?? item.state}</span>`}
      ${item.type === "video" && html`<span class="tile-kind"><${Icon} name="film" /><span class="unseen">clip</span></span>`}
    </div>
    <p class="tile-prompt"><bdi>${item.prompt}</bdi></p>
    <p class="tile-facts quiet small">
      <${State} is=${item.state} />
      <span>${item.provider ?? item.requested_provider}</span>
      <span class="figure">${usd(hasEnded(item) ? item.actual_cost : item.estimated_cost)}</span>
    </p>
  `;
  const marks = { class: "tile", ref: box, "aria-current": current ? "true" : undefined };
  return onPick
    ? html`<button type="button" ...${marks} disabled=${!take} onClick=${() => onPick(whole, take)}>${inside}</button>`
    : html`<a ...${marks} href=${href}>${inside}</a>`;
}

function useInSight(box, item) {
  const [whole, setWhole] = useState(() => fresh(item.id));
  useEffect(() => {
    if (whole || item.state !== "succeeded") return undefined;
    const asked = new AbortController();
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watch.disconnect();
      readGeneration(item.id, { signal: asked.signal }).then((found) => {
        if (hasEnded(found)) seen.set(item.id, { found, at: Date.now() });
        setWhole(found);
      }, () => {}); // a tile without a picture still says everything else
    }, { rootMargin: "200px" });
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      asked.abort();
    };
  }, [item.id, item.state]);
  return whole;
}

const KEEPS_MS = 10 * 60_000; // links end after fifteen minutes

function fresh(id) {
  const known = seen.get(id);
  return known && Date.now() - known.at < KEEPS_MS ? known.found : null;
}
