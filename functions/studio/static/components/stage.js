// The right side of Create: what is being made, then what was made, and what can be done with it.

import { get, remove } from "../api.js";
import { clipFrom } from "../draft.js";
import { bytes, lasted, usd } from "../format.js";
import { hasEnded, isVideo, linkOf, mainTake, readGeneration, requestOf, story } from "../generations.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { go, to } from "../router.js";
import { may } from "../session.js";
import { useEvery, useLoad } from "../use.js";
import { Attempts } from "./attempts.js";
import { Icon } from "./icons.js";
import { Failure, Warnings } from "./states.js";
import { Take } from "./take.js";
import { tell, tellError } from "./tell.js";
import { Tile } from "./tile.js";

const IMAGE_LOOK_S = 0.5;
const CLIP_LOOK_S = 1.5;
const RECENT = 8;

export function Stage({ id, draft, onAgain, onEnd }) {
  const found = useLoad(({ signal }) => (id ? readGeneration(id, { signal }) : null), [id]);
  const generation = found.data?.id === id ? found.data : null;
  const active = generation !== null && !hasEnded(generation);
  const now = useRef(id);
  now.current = id;
  useEvery(generation?.type === "video" ? CLIP_LOOK_S : IMAGE_LOOK_S, async () => {
    const next = await readGeneration(id);
    if (now.current === id) found.replace(next);
  }, active);
  const room = useRef(null);
  useEffect(() => {
    if (id) room.current.scrollIntoView({ block: "nearest" }); // on a phone it lies below the form
  }, [id]);
  const before = useRef(false);
  useEffect(() => {
    if (before.current && !active) onEnd(); // what is observed of the providers has changed
    before.current = active;
  }, [active]);

  return html`<section class="stage" aria-label="Result">
    <div class="stage-room" ref=${room} style=${{ aspectRatio: draftRatio(generation, draft) }}>
      ${found.error && !generation
        ? html`<${Failure} error=${found.error} retry=${found.reload} />`
        : html`<${Picture} generation=${generation} waiting=${id !== null && !generation} />`}
    </div>
    <p class="unseen" role="status" aria-live="polite">${generation ? story(generation) : ""}</p>
    <div class="stage-told">
      ${generation && html`<${Told} generation=${generation} onAgain=${onAgain} onChange=${found.reload} />`}
    </div>
    <${Recent} current=${id} turn=${active} />
  </section>`;
}

function draftRatio(generation, draft) {
  const take = generation && mainTake(generation);
  if (take?.width) return `${take.width} / ${take.height}`;
  return (generation?.params.aspect_ratio ?? draft.aspect).replace(":", " / ");
}

function Picture({ generation, waiting }) {
  if (waiting) return html`<div class="stage-empty"><div class="bone"></div></div>`;
  if (!generation) {
    return html`<div class="stage-empty quiet"><p>What you make appears here.</p></div>`;
  }
  const take = mainTake(generation);
  if (take) return html`<${Take} key=${take.id} take=${take} label=${generation.prompt} />`;
  const gone = generation.state === "failed" || generation.state === "cancelled";
  return html`<div class="stage-empty" data-state=${generation.state}>
    ${!gone && html`<div class="working" aria-hidden="true"></div>`}
    <p>${story(generation)}</p>
  </div>`;
}

function Told({ generation, onAgain, onChange }) {
  const take = mainTake(generation);
  const ended = hasEnded(generation);
  return html`
    <div class="stage-facts">
      <p class="stage-price">
        <strong>${usd(ended ? generation.actual_cost : generation.estimated_cost)}</strong>
        <span class="quiet">${` ${ended ? `paid of ${usd(generation.estimated_cost)} ` : ""}expected · `}${lasted(
          generation.created_at,
          generation.completed_at,
        )}</span>
      </p>
      ${take && html`<p class="quiet small">
        ${generation.provider} · ${take.width} × ${take.height}${isVideo(take) ? ` · ${take.duration_s} s` : ""} · ${bytes(take.size_bytes)}
      </p>`}
    </div>
    <${Actions} generation=${generation} take=${take} onAgain=${onAgain} onChange=${onChange} />
    <${Attempts} attempts=${generation.attempts} />
    <${Warnings} texts=${generation.warnings} />
  `;
}

/** `detailed` where all details are there already. */
export function Actions({ generation, take, onAgain, onChange, detailed = false }) {
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    try {
      await remove(`/v1/generations/${generation.id}`);
      tell("Cancelled. What was not sent is free.");
      onChange();
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };
  const clip = () => {
    clipFrom(take, generation);
    go("create", [generation.id]); // the still stays in sight while its clip is composed
  };
  const making = may("creator");
  return html`<div class="actions">
    ${take && !isVideo(take) && making &&
    html`<button type="button" onClick=${clip}><${Icon} name="film" />Make a clip from this</button>`}
    ${hasEnded(generation) && making && onAgain &&
    html`<button type="button" onClick=${() => onAgain(requestOf(generation))}>
      <${Icon} name="again" />Again <span class="quiet">${usd(generation.estimated_cost)}</span>
    </button>`}
    ${take && html`<a class="button" href=${linkOf(take)} download><${Icon} name="download" />Download</a>`}
    ${!hasEnded(generation) && making &&
    html`<button type="button" class="danger" disabled=${busy || Boolean(generation.cancel_requested_at)} onClick=${cancel}>
      ${generation.cancel_requested_at ? "Cancelling…" : "Cancel"}
    </button>`}
    ${!detailed && html`<a class="button bare" href=${to("library", [generation.id])}>Details</a>`}
  </div>`;
}

function Recent({ current, turn }) {
  const found = useLoad(
    async ({ signal }) => (await get("/v1/generations", { query: { limit: RECENT }, signal })).data.items,
    [current, turn],
  );
  if (!found.data?.length) return null;
  return html`<section class="recent" aria-label="Recent">
    <h2>Recent</h2>
    <div class="tiles small-tiles">
      ${found.data.map((item) => html`<${Tile}
        key=${item.id} item=${item} href=${to("create", [item.id])} current=${item.id === current}
      />`)}
    </div>
  </section>`;
}
