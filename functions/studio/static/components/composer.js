// The form of Create: words, shape, who makes it, and what that costs, all in one place.

import { post } from "../api.js";
import { change, changeType, requestFrom, wishOf } from "../draft.js";
import { usd, words } from "../format.js";
import { makerOf, readGeneration } from "../generations.js";
import { html, useMemo, useState } from "../html.js";
import { may } from "../session.js";
import { useLoad, useRested } from "../use.js";
import { Choice, Field, Select } from "./field.js";
import { MotionPreview, MOTIONS } from "./motion.js";
import { Offers, reasonOf } from "./offers.js";
import { Warnings } from "./states.js";
import { Thumbnail } from "./take.js";
import { StillsDialog } from "./stills.js";

const TYPES = [{ value: "image", label: "Image" }, { value: "video", label: "Clip" }];
const STRATEGIES = [
  { value: "priority", label: "Your order" }, { value: "cheapest", label: "Cheapest first" },
  { value: "fastest", label: "Fastest first" }, { value: "quality", label: "Best quality first" },
  { value: "hybrid", label: "Hybrid: by the part" },
];
const QUALITIES = ["low", "standard", "high"].map((value) => ({ value, label: words(value) }));
const RESTS_MS = 250;

export function Composer({ draft, providers, turn, starting, refusal, onStart }) {
  const own = useMemo(() => providers.filter((one) => one.type === draft.type), [providers, draft.type]);
  const prices = usePrices(draft, turn);
  const keyframe = useKeyframe(draft.image);
  const faults = (pointer) => refusal?.fault?.(pointer) ?? prices.refused?.fault?.(pointer);
  const set = (name) => (value) => change({ [name]: value });
  const typed = (name) => (event) => change({ [name]: event.currentTarget.value });
  const video = draft.type === "video";
  const submit = (event) => {
    event.preventDefault();
    if (may("creator") && draft.prompt.trim() && !starting) onStart();
  };

  return html`<form class="composer panel" aria-label="What to make" onSubmit=${submit}>
    <${Choice} label="Type" name="type" value=${draft.type} options=${TYPES} onChange=${changeType} />
    ${video && html`<${Keyframe} draft=${draft} found=${keyframe} />`}
    <${Field} label="Prompt" fault=${faults("/prompt")}>
      ${(attributes) => html`<textarea
        ...${attributes} rows="4" dir="auto" value=${draft.prompt} onInput=${typed("prompt")}
        placeholder=${video ? "What happens in the clip" : "What the picture shows"}
      ></textarea>`}
    <//>
    <div class="fields">
      <${Select} label="Aspect ratio" value=${draft.aspect} options=${ratios(own)} onChange=${set("aspect")} />
      <${Select}
        label="Resolution" value=${draft.resolution} options=${resolutions(own, draft)}
        fault=${faults("/params/resolution")} onChange=${set("resolution")}
      />
      ${video
        ? html`<${Field} label=${`Duration: ${draft.duration} s`}>
            ${(attributes) => html`<input
              ...${attributes} type="range" min="1" max=${longest(own)} value=${draft.duration}
              aria-valuetext=${`${draft.duration} seconds`} onInput=${typed("duration")}
            />`}
          <//>`
        : html`<${Select} label="Quality" value=${draft.quality} options=${QUALITIES} onChange=${set("quality")} />`}
    </div>
    <${Offers}
      offers=${prices.offers ?? []} providers=${own} busy=${!prices.fresh}
      chosen=${draft.provider} onChoose=${set("provider")}
    >
      <${Auto} draft=${draft} estimate=${prices.refused ? null : prices.estimate} />
    <//>
    <${Warnings} texts=${prices.refused ? [] : prices.estimate?.warnings ?? []} />
    <${More} draft=${draft} typed=${typed} set=${set} faults=${faults} />
    <${Price} draft=${draft} prices=${prices} starting=${starting} refusal=${refusal} />
  </form>`;
}

/**
 * Offers and estimate of the draft as it rested; an answer to an older draft never shows. Where the
 * offers already say that nobody can make it, there is no chain to ask for. Asked anew by `turn`.
 */
function usePrices(draft, turn) {
  const wish = wishOf(draft);
  const { project, ...request } = requestFrom(draft);
  const asked = JSON.stringify({ ...request, prompt: wish.prompt });
  const rested = useRested({ wish, asked }, RESTS_MS, asked);
  const found = useLoad(async ({ signal }) => {
    const { offers } = (await post("/v1/estimates/compare", rested.wish, { signal })).data;
    const body = JSON.parse(rested.asked);
    const able = offers.filter((one) => one.eligible && [one.provider, "auto"].includes(body.provider));
    if (!able.length) return { offers, refused: new Error(nobody(body.provider, offers)) };
    try {
      return { offers, estimate: (await post("/v1/estimates", body, { signal })).data };
    } catch (error) {
      if (error.name === "AbortError" || error.retryable) throw error;
      return { offers, refused: error };
    }
  }, [rested.asked, turn]);
  return { ...found.data, refused: found.error ?? found.data?.refused, fresh: rested.asked === asked && !found.loading };
}

function nobody(provider, offers) {
  const chosen = offers.find((one) => one.provider === provider);
  return chosen ? `${provider}: ${reasonOf(chosen)}` : "Nobody can make this as it is; each provider says why.";
}

function useKeyframe(id) {
  const found = useLoad(async ({ signal }) => {
    if (!id) return null;
    const made = await readGeneration(makerOf(id), { signal });
    return { made, take: made.takes.find((one) => one.id === id) ?? null };
  }, [id]);
  return found.data?.take?.id === id ? found.data : null;
}

function Keyframe({ draft, found }) {
  const [choosing, setChoosing] = useState(false);
  const pick = (take) => {
    change({ image: take.id });
    setChoosing(false);
  };
  return html`<div class="keyframe">
    <div class="keyframe-still">
      ${draft.image && found
        ? html`<${Thumbnail} take=${found.take} />`
        : html`<span class="quiet small">${draft.image ? "Keyframe" : "No keyframe"}</span>`}
    </div>
    <div class="keyframe-words">
      <p>
        ${draft.image
          ? html`Starts from <bdi>${found?.made.prompt.slice(0, 90) ?? "a still"}</bdi>`
          : "Starts from words alone. Flow needs a keyframe."}
      </p>
      <div class="actions">
        <button type="button" onClick=${() => setChoosing(true)}>${draft.image ? "Change" : "Choose a keyframe"}</button>
        ${draft.image && html`<button type="button" class="bare" onClick=${() => change({ image: null })}>Take away</button>`}
      </div>
    </div>
    ${draft.image && html`<fieldset class="motions">
      <legend>Camera move <span class="quiet">(flow)</span></legend>
      ${["", ...MOTIONS].map((motion) => html`<label key=${motion}>
        <input type="radio" name="motion" value=${motion} checked=${draft.motion === motion} onChange=${() => change({ motion })} />
        <${MotionPreview} motion=${motion} take=${found?.take} />
        <span>${motion ? words(motion) : "no wish"}</span>
      </label>`)}
    </fieldset>`}
    ${choosing && html`<${StillsDialog} onPick=${pick} onClose=${() => setChoosing(false)} />`}
  </div>`;
}

/** The first row of the offers: let the chain decide. */
function Auto({ draft, estimate }) {
  const chain = estimate?.chain.filter((one) => one.eligible) ?? [];
  return html`<div class="offer auto">
    <label>
      <input type="radio" name="provider" value="auto" checked=${draft.provider === "auto"} onChange=${() => change({ provider: "auto" })} />
      <strong>auto</strong>
    </label>
    <select
      aria-label="In which order" value=${draft.strategy} disabled=${draft.provider !== "auto"}
      onChange=${(event) => change({ strategy: event.currentTarget.value })}
    >
      ${STRATEGIES.map((one) => html`<option key=${one.value} value=${one.value} selected=${one.value === draft.strategy}>${one.label}</option>`)}
    </select>
    <p class="chain small" data-testid="chain">
      ${draft.provider === "auto" && chain.length > 0
        ? chain.map((one, place) => html`<span key=${one.provider}>${place > 0 && html`<span class="quiet"> then </span>`}${one.provider}</span>`)
        : html`<span class="quiet">tries the next provider when one cannot</span>`}
    </p>
  </div>`;
}

function More({ draft, typed, set, faults }) {
  return html`<details class="more" open=${Boolean(draft.negative || draft.seed || draft.limit || draft.project || draft.style)}>
    <summary>Cost limit, negative prompt, seed, project</summary>
    <div class="fields">
      <${Field} label="Cost limit in $" hint="All tries together" fault=${faults("/cost_limit")}>
        ${(own) => html`<input
          ...${own} inputmode="decimal" autocomplete="off" placeholder="0.0500"
          value=${draft.limit} onInput=${typed("limit")}
        />`}
      <//>
      <${Field} label="Seed" fault=${faults("/params/seed")}>
        ${(own) => html`<input ...${own} type="number" min="0" max="2147483647" value=${draft.seed} onInput=${typed("seed")} />`}
      <//>
      <${Field} label="Project" fault=${faults("/project")}>
        ${(own) => html`<input ...${own} maxlength="128" dir="auto" value=${draft.project} onInput=${typed("project")} />`}
      <//>
      <${Field} label="Style" fault=${faults("/params/style")}>
        ${(own) => html`<input ...${own} maxlength="128" dir="auto" value=${draft.style} onInput=${typed("style")} />`}
      <//>
      <${Select}
        label="If the content is refused" value=${draft.refusal} onChange=${set("refusal")}
        options=${[{ value: "", label: "As the provider is set" }, { value: "next", label: "Ask the next" }, { value: "stop", label: "Stop" }]}
      />
      <${Field} label="Negative prompt" wide fault=${faults("/negative_prompt")}>
        ${(own) => html`<textarea
          ...${own} rows="2" dir="auto" placeholder="What must not be seen"
          value=${draft.negative} onInput=${typed("negative")}
        ></textarea>`}
      <//>
    </div>
  </details>`;
}

/** What it will cost, at the foot of the form, where the button is. */
function Price({ draft, prices, starting, refusal }) {
  const { estimate, fresh } = prices;
  const refused = refusal ?? prices.refused;
  const ready = fresh && !prices.refused && draft.prompt.trim() && !starting;
  return html`<div class="price" aria-busy=${!fresh}>
    <div class="price-figures" role="status">
      ${refused
        ? html`<p class="fault">${refused.message}</p>`
        : html`<p><span class="price-now">${usd(estimate?.expected)}</span> <span class="quiet">expected</span></p>
            <p class="quiet small">
              at most ${usd(estimate?.max)}${estimate && ` · card ${estimate.rate_card.name}, ${estimate.rate_card.version}`}
            </p>`}
    </div>
    ${may("creator")
      ? html`<button class="primary" disabled=${!ready}>${starting ? "Starting…" : "Generate"}</button>`
      : html`<p class="quiet small">Your role looks and compares; it does not make.</p>`}
  </div>`;
}

const RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3"];
const NEARLY = 0.03; // sizes are whole pixels: 1376x768 is meant to be 16:9

function ratios(providers) {
  const offered = new Set(providers.flatMap((one) => one.offers.flatMap((offer) => offer.aspect_ratios)));
  return RATIOS.filter((one) => offered.has(one)).map((value) => ({ value, label: value }));
}

function resolutions(providers, draft) {
  const all = new Set(providers.flatMap((one) => one.offers.flatMap((offer) => offer.resolutions)));
  const fitting = [...all].filter((one) => fits(one, draft.aspect));
  const first = { value: "", label: draft.type === "video" ? "720p" : "Any" };
  const rest = fitting.filter((one) => draft.type !== "video" || one !== "720p");
  return [first, ...rest.map((value) => ({ value, label: value.replace("x", " × ") }))];
}

function fits(resolution, aspect) {
  const [width, height] = resolution.split("x").map(Number);
  const [across, down] = aspect.split(":").map(Number);
  return !height || Math.abs(width / height / (across / down) - 1) < NEARLY;
}

const longest = (providers) =>
  Math.max(5, ...providers.flatMap((one) => one.offers.map((offer) => offer.duration_s?.max ?? 0)));
