// One generation in full: its takes, what it was asked for, who was tried, what it cost.

import { Actions } from "../components/stage.js";
import { Attempts } from "../components/attempts.js";
import { Empty, Failure, Loading, State, Warnings } from "../components/states.js";
import { Take } from "../components/take.js";
import { tellError } from "../components/tell.js";
import { post } from "../api.js";
import { bytes, lasted, usd, when, words } from "../format.js";
import { hasEnded, isVideo, makerOf, readGeneration, story } from "../generations.js";
import { html, useState } from "../html.js";
import { go, to } from "../router.js";
import { useEvery, useLoad, useTitle } from "../use.js";

const LOOK_S = 1.5;
const KINDS = { image: "Image", video: "Clip" };
const PARAMS = {
  aspect_ratio: "Aspect ratio", resolution: "Resolution", quality: "Quality", style: "Style",
  duration_s: "Duration", fps: "Frames a second", seed: "Seed", motion: "Camera move",
};

export function Lineage({ id, back }) {
  const found = useLoad(({ signal }) => readGeneration(id, { signal }), [id]);
  const one = found.data;
  useTitle(one ? one.prompt.slice(0, 60) : "Generation");
  useEvery(LOOK_S, async () => found.replace(await readGeneration(id)), Boolean(one && !hasEnded(one)));
  const again = async (body) => {
    try {
      go("create", [(await post("/v1/generations", body)).data.id]);
    } catch (error) {
      tellError(error);
    }
  };
  return html`
    <header>
      <h1>
        <a class="back" href=${to("library", [], back)}>Library</a>${" "}
        <span class="quiet">/</span> ${one ? KINDS[one.type] : "…"}
      </h1>
    </header>
    ${found.error && !one && html`<${Failure} error=${found.error} retry=${found.reload} />`}
    ${!one && !found.error && html`<${Loading} rows=${6} />`}
    ${one && html`<div class="lineage">
      <${Takes} generation=${one} onAgain=${again} onChange=${found.reload} />
      <div class="lineage-facts">
        <${Asked} generation=${one} />
        <${Made} generation=${one} />
      </div>
    </div>`}
  `;
}

function Takes({ generation, onAgain, onChange }) {
  const [chosen, setChosen] = useState(0);
  const take = generation.takes[Math.min(chosen, generation.takes.length - 1)];
  return html`<section class="takes" aria-label="Takes">
    <div class="takes-room">
      ${take
        ? html`<${Take} key=${take.id} take=${take} label=${generation.prompt} />`
        : html`<${Empty} title=${story(generation)} />`}
    </div>
    ${generation.takes.length > 1 && html`<div class="actions" role="group" aria-label="Which take">
      ${generation.takes.map((one, place) => html`<button
        type="button" key=${one.id} aria-pressed=${one === take} onClick=${() => setChosen(place)}
      >${one.provider}${one.late && " (late)"}</button>`)}
    </div>`}
    ${take?.late && html`<p class="warning small">A late take: its attempt had been given up, and its result came after all.</p>`}
    <${Actions} generation=${generation} take=${take} onAgain=${onAgain} onChange=${onChange} detailed />
    ${take && html`<dl class="facts">
      <${Fact} name="File">${take.media_type}, ${take.width} × ${take.height}${isVideo(take) && `, ${take.duration_s} s`}, ${bytes(take.size_bytes)}<//>
      <${Fact} name="SHA-256"><code class="hash">${take.sha256}</code><//>
      <${Fact} name="Take"><code>${take.id}</code><//>
      <${Fact} name="Link">works until ${when(take.url_expires_at)}<//>
    </dl>`}
  </section>`;
}

function Asked({ generation }) {
  const { params } = generation;
  return html`<section class="panel" aria-label="What was asked for">
    <h2>Asked for</h2>
    <p class="prompt" dir="auto">${generation.prompt}</p>
    ${generation.negative_prompt && html`<p class="prompt quiet" dir="auto"><span class="unseen">Not: </span>− ${generation.negative_prompt}</p>`}
    <dl class="facts">
      <${Fact} name="Provider">${generation.requested_provider}${generation.requested_provider === "auto" && `, ${generation.strategy}`}<//>
      ${Object.entries(params)
        .filter(([name]) => name in PARAMS)
        .map(([name, value]) => html`<${Fact} key=${name} name=${PARAMS[name]}>
          <bdi>${name === "duration_s" ? `${value} s` : words(value)}</bdi>
        <//>`)}
      ${params.image && html`<${Fact} name="Keyframe"><a href=${to("library", [makerOf(params.image)])}><code>${params.image}</code></a><//>`}
      ${generation.project && html`<${Fact} name="Project">
        <a href=${to("library", [], { project: generation.project })}><bdi>${generation.project}</bdi></a>
      <//>`}
      ${generation.script_id && html`<${Fact} name="Script"><bdi>${generation.script_id}</bdi><//>`}
      ${generation.shot_number != null && html`<${Fact} name="Shot">${generation.shot_number}<//>`}
      ${generation.tags.length > 0 && html`<${Fact} name="Tags">${generation.tags.map((tag) => html`<bdi key=${tag}>${tag}</bdi> `)}<//>`}
      <${Fact} name="By"><bdi>${generation.user}</bdi><//>
      <${Fact} name="Id"><code>${generation.id}</code><//>
    </dl>
  </section>`;
}

function Made({ generation }) {
  const models = generation.attempts.filter((one) => one.model);
  return html`<section class="panel" aria-label="How it was made">
    <header><h2>Made</h2><${State} is=${generation.state} /></header>
    ${generation.failure && html`<p class="fault">${generation.failure.message}</p>`}
    ${generation.attempts.length > 0 && html`<${Attempts} attempts=${generation.attempts} />`}
    <${Warnings} texts=${generation.warnings} />
    <dl class="facts">
      <${Fact} name="Model">${models.map((one) => html`<span class="line" key=${one.id}>${one.provider} <code>${one.model}</code></span>`)}<//>
      <${Fact} name="Paid">${usd(generation.actual_cost)}<//>
      <${Fact} name="Expected">${usd(generation.estimate.expected)}, at most ${usd(generation.estimate.max)}<//>
      <${Fact} name="Cost limit">${usd(generation.cost_limit)}<//>
      <${Fact} name="Prices">card ${generation.rate_card.name}, ${generation.rate_card.version}<//>
      <${Fact} name="Started">${when(generation.created_at)}<//>
      <${Fact} name="Took">${lasted(generation.created_at, generation.completed_at)}<//>
    </dl>
  </section>`;
}

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
