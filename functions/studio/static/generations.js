// Generations as the views need them: read, told in a sentence, their takes with steady links.

import { get } from "./api.js";
import { usd } from "./format.js";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);
const MARGIN_MS = 60_000; // a link that ends so soon is not handed to a player

export const hasEnded = (generation) => ENDED.has(generation.state);

export async function readGeneration(id, { signal } = {}) {
  const { data } = await get(`/v1/generations/${encodeURIComponent(id)}`, { signal });
  return data;
}

/** The id of the generation that made a take: it is part of the take's own. */
export const makerOf = (takeId) => takeId.replace(/^take_/, "gen_").slice(0, -2);

export const isVideo = (take) => take.media_type.startsWith("video/");

/** The take to show: the one that ended the generation, or a late one where there is no other. */
export const mainTake = (generation) =>
  generation.takes?.find((take) => !take.late) ?? generation.takes?.[0] ?? null;

const links = new Map();

/** A take's link, the same one as long as it works: a new one would load the picture again. */
export function linkOf(take) {
  const known = links.get(take.id);
  if (known && new Date(known.url_expires_at) - Date.now() > MARGIN_MS) return known.url;
  links.set(take.id, take);
  return take.url;
}

const DOING = {
  reserved: "next", submitting: "asking", accepted: "making it", paid: "fetching the result",
  stored: "made it", released: "did not make it", overdue: "late, still watched",
  in_doubt: "unclear; its money stays held", presumed: "unclear; counted as paid",
};

/** What an attempt did, in a few words. */
export const attemptSaid = (attempt) => attempt.error?.message ?? DOING[attempt.state] ?? attempt.state;

/** Where a generation stands: "dalle: over its quota, trying nanobanana". */
export function story(generation) {
  const attempts = generation.attempts ?? [];
  const told = attempts.filter((one) => one.error).map((one) => `${one.provider}: ${one.error.message}`);
  const last = attempts.at(-1);
  if (generation.state === "succeeded") {
    told.push(`made by ${generation.provider} for ${usd(generation.actual_cost)}`);
  } else if (generation.state === "cancelled") {
    told.push("cancelled");
  } else if (generation.state === "failed") {
    told.push(generation.failure?.message ?? "failed");
  } else if (generation.cancel_requested_at) {
    told.push("cancelling");
  } else if (last && !last.error) {
    told.push(`${told.length ? "trying" : "asking"} ${last.provider}`);
  } else {
    told.push(last ? "choosing the next provider" : "waiting to start");
  }
  return told.join(", ");
}

/** The request that made a generation, to be sent once more. */
export function requestOf(generation) {
  const asked = {
    type: generation.type,
    prompt: generation.prompt,
    negative_prompt: generation.negative_prompt,
    provider: generation.requested_provider,
    strategy: generation.strategy,
    params: generation.params,
    cost_limit: generation.cost_limit,
    on_refusal: generation.on_refusal,
    on_unknown: generation.on_unknown,
    project: generation.project,
    script_id: generation.script_id,
    shot_number: generation.shot_number,
    tags: generation.tags,
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value != null));
}
