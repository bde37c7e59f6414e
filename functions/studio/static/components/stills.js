// Choose a still that was made before, as the keyframe of a clip.

import { get } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../use.js";
import { Dialog } from "./dialog.js";
import { Empty, Failure, Loading } from "./states.js";
import { Tile } from "./tile.js";

const PAGE = 24;

/** Calls `onPick(take)`. */
export function StillsDialog({ onPick, onClose }) {
  const [pages, setPages] = useState([]);
  const [cursor, setCursor] = useState(null);
  const asked = useLoad(async ({ signal }) => {
    const query = { state: "succeeded", limit: PAGE, cursor };
    const { data } = await get("/v1/generations", { query, signal });
    setPages((before) => [...before, ...data.items.filter((one) => one.type === "image")]);
    return data;
  }, [cursor]);
  const more = asked.data?.next;
  return html`<${Dialog} title="Choose a keyframe" onClose=${onClose}>
    <div class="tiles small-tiles">
      ${pages.map(
        (item) => html`<${Tile} key=${item.id} item=${item} onPick=${(_, take) => onPick(take)} />`,
      )}
    </div>
    ${asked.error && html`<${Failure} error=${asked.error} retry=${asked.reload} />`}
    ${asked.loading && html`<${Loading} rows=${3} />`}
    ${!asked.loading && !more && !pages.length &&
    html`<${Empty} title="There is no still yet."><p>Make an image first; then a clip can start from it.</p><//>`}
    ${more && !asked.loading && html`<button type="button" onClick=${() => setCursor(more)}>Show more</button>`}
  <//>`;
}
