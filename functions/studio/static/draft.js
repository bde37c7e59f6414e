// What is being composed, kept while people look at other views and over a reload of the tab.

import { store } from "./store.js";

const PLACE = "filmgate-draft";
const EMPTY = {
  type: "image", prompt: "", negative: "", aspect: "16:9", resolution: "", quality: "standard",
  style: "", seed: "", duration: "5", motion: "", image: null, provider: "auto",
  strategy: "priority", limit: "", project: "", refusal: "",
};

export const draft = store({ ...EMPTY, ...kept() });

export function change(fields) {
  draft.set({ ...draft.get(), ...fields });
  sessionStorage.setItem(PLACE, JSON.stringify(draft.get()));
}

/** Another medium has other sizes and providers; the words and the shape stay. */
export const changeType = (type) =>
  change({ type, resolution: "", provider: "auto", quality: "standard", image: type === "image" ? null : draft.get().image });

/** The clip of a still. */
export const clipFrom = (take, generation) =>
  change({
    type: "video", image: take.id, resolution: "", provider: "auto", quality: "standard",
    prompt: draft.get().type === "video" && draft.get().prompt ? draft.get().prompt : generation?.prompt ?? draft.get().prompt,
    project: generation?.project ?? draft.get().project,
  });

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
}

/** The wish alone, which is what offers are compared for. Empty words still have a price. */
export function wishOf(one) {
  const video = one.type === "video";
  const params = said({
    aspect_ratio: one.aspect,
    resolution: one.resolution,
    quality: video ? "" : one.quality,
    style: one.style,
    seed: one.seed === "" ? "" : Number(one.seed),
    duration_s: video ? Number(one.duration) : "",
    image: video ? one.image : "",
    motion: video && one.image ? one.motion : "",
  });
  return said({ type: one.type, prompt: one.prompt.trim() ? one.prompt : "…", negative_prompt: one.negative.trim(), params });
}

/** The whole request. */
export const requestFrom = (one) =>
  said({
    ...wishOf(one),
    provider: one.provider,
    strategy: one.strategy,
    cost_limit: one.limit.trim(),
    on_refusal: one.refusal,
    project: one.project.trim(),
  });

const said = (fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value != null));
