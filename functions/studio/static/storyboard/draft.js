// A storyboard while it is written: rows of cells, as the grid shows them and a CSV holds them.
//
// A draft is plain data, so that it can lie in the tab's storage; every change gives a new one.
//   {title, project, strategy, budget, continuity, defaults: cells, rows, left, key}
//   row {id, number, on, cells: {column: text}, rest}
// `rest` is what a JSON file said and the grid has no column for: it is kept and sent.
// An empty cell says nothing: the defaults hold, and where they are empty, the provider's own.

import { COLUMNS, readCsv, writeCsv } from "./csv.js";

const CELLS = [
  "prompt",
  "negative_prompt",
  "scene",
  "keyframe_provider",
  "variation_provider",
  "clip_provider",
  "clip_prompt",
  "duration_s",
  "resolution",
  "aspect_ratio",
  "motion",
];
/** The cells that the defaults have too. */
const SHARED = [
  "keyframe_provider",
  "variation_provider",
  "clip_provider",
  "duration_s",
  "resolution",
  "aspect_ratio",
  "motion",
];
export const NONE = "none";
export const AUTO = "auto";
const MOST_SHOTS = 1000;
export const MOTIONS = ["push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"];
export const RATIOS = ["16:9", "9:16", "1:1", "3:2", "2:3"];
/** What a fresh draft asks for; a file brings its own, and so begins without any. */
const FRESH_DEFAULTS = {
  keyframe_provider: AUTO,
  variation_provider: NONE,
  clip_provider: AUTO,
  duration_s: "5",
  resolution: "720p",
  aspect_ratio: "16:9",
  motion: "",
};
const FILE_DEFAULTS = { ...FRESH_DEFAULTS, duration_s: "", resolution: "", aspect_ratio: "" };
const HEAD_TEXTS = ["title", "project", "budget", "on_refusal", "on_unknown"];
const HEAD_WORDS = ["strategy", "continuity"];
const PARTS = ["keyframe", "variation", "clip"];
const PIXELS = /^[0-9]+x[0-9]+$/;
const WHOLE = /^[0-9]{1,9}$/;

/** A draft without a shot. */
export function emptyDraft() {
  return {
    title: "",
    project: "",
    strategy: "priority",
    budget: "",
    continuity: "follow",
    on_refusal: "",
    on_unknown: "",
    defaults: FRESH_DEFAULTS,
    rows: [],
    next: 1,
  };
}

// --- changes -------------------------------------------------------------------------------------

/** With a row behind the place `after` (-1: at the top), or one like `like`. */
export function withRow(draft, after, like = null) {
  const row = like
    ? { ...like, id: draft.next, number: null, cells: { ...like.cells } }
    : { id: draft.next, number: null, on: true, cells: { prompt: "" }, rest: {} };
  const rows = draft.rows.toSpliced(after + 1, 0, row);
  return { ...draft, rows: numbered(rows), next: draft.next + 1 };
}

export function withoutRow(draft, id) {
  return { ...draft, rows: draft.rows.filter((row) => row.id !== id) };
}

/** With the row moved to another place. The numbers stay in their order, the shots change. */
export function withMoved(draft, id, place) {
  const from = draft.rows.findIndex((row) => row.id === id);
  const to = Math.max(0, Math.min(draft.rows.length - 1, place));
  if (from < 0 || from === to) return draft;
  const numbers = draft.rows.map((row) => row.number);
  const rows = draft.rows.toSpliced(from, 1).toSpliced(to, 0, draft.rows[from]);
  return { ...draft, rows: rows.map((row, i) => ({ ...row, number: numbers[i] })) };
}

export function withCell(draft, id, column, text) {
  return withRowChanged(draft, id, (row) => ({ ...row, cells: { ...row.cells, [column]: text } }));
}

/** With a shot left out of the making, or taken in again. */
export function withOn(draft, id, on) {
  return withRowChanged(draft, id, (row) => ({ ...row, on }));
}

function withRowChanged(draft, id, change) {
  return { ...draft, rows: draft.rows.map((row) => (row.id === id ? change(row) : row)) };
}

/** What the API says would fit: shots left out, others at their cheapest. */
export function withFit(draft, fits) {
  const drop = new Set(fits.drop);
  const cheaper = new Map(fits.downgrade.map((shot) => [shot.number, shot]));
  const rows = draft.rows.map((row) => {
    if (!row.on) return row;
    if (drop.has(row.number)) return { ...row, on: false };
    const told = cheaper.get(row.number);
    if (!told) return row;
    const cells = { ...row.cells };
    for (const part of PARTS) if (told[part]) cells[`${part}_provider`] = told[part].provider;
    return { ...row, cells };
  });
  return { ...draft, rows };
}

/** Numbers that grow from row to row; what has one keeps it where that can be. */
function numbered(rows) {
  let last = 0;
  return rows.map((row, i) => {
    const least = i === 0 ? Math.min(row.number ?? 1, 1) : last + 1;
    last = row.number !== null && row.number >= least ? row.number : least;
    return last === row.number ? row : { ...row, number: last };
  });
}

// --- out: what the API is asked, and files -------------------------------------------------------

/** The rows that will be made. */
export function chosen(draft) {
  return draft.rows.filter((row) => row.on);
}

/** The body of POST /v1/storyboards. */
export function bodyOf(draft, rows = chosen(draft)) {
  const body = { strategy: draft.strategy, continuity: draft.continuity };
  for (const name of HEAD_TEXTS) if (draft[name]?.trim()) body[name] = draft[name].trim();
  return { ...body, shots: rows.map((row) => shotOf(row, draft.defaults)) };
}

/** A row as the API's shot, with every part said. */
function shotOf(row, defaults) {
  const { keyframe, variation, clip, ...more } = row.rest;
  const shot = { ...more, number: row.number, prompt: row.cells.prompt ?? "" };
  for (const name of ["negative_prompt", "scene"]) {
    if (row.cells[name]?.trim()) shot[name] = row.cells[name].trim();
  }
  shot.keyframe = partOf("keyframe", row, defaults, keyframe, stillParams);
  shot.variation = partOf("variation", row, defaults, variation, stillParams);
  shot.clip = partOf("clip", row, defaults, clip, clipParams);
  const words = row.cells.clip_prompt?.trim();
  if (shot.clip && words) shot.clip = { ...shot.clip, prompt: words };
  return shot;
}

function partOf(role, row, defaults, rest, paramsOf) {
  const provider = (row.cells[`${role}_provider`] || defaults[`${role}_provider`] || AUTO).trim();
  if (provider.toLowerCase() === NONE) return null;
  const params = { ...paramsOf(defaults), ...rest?.params, ...paramsOf(row.cells) };
  return { ...rest, provider, ...(Object.keys(params).length ? { params } : {}) };
}

/** Pixels are the still's, words such as 720p the clip's. */
function stillParams(cells) {
  return said({
    resolution: PIXELS.test(cells.resolution ?? "") ? cells.resolution : "",
    aspect_ratio: cells.aspect_ratio,
  });
}

function clipParams(cells) {
  const seconds = cells.duration_s?.trim() ?? "";
  return said({
    duration_s: WHOLE.test(seconds) ? Number(seconds) : seconds,
    motion: cells.motion,
    resolution: PIXELS.test(cells.resolution ?? "") ? "" : cells.resolution,
    aspect_ratio: cells.aspect_ratio,
  });
}

function said(cells) {
  const trimmed = Object.entries(cells).map(([name, v]) => [
    name,
    typeof v === "string" ? v.trim() : v,
  ]);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== "" && value !== undefined));
}

/** The draft as a CSV that the API and this page read; `lost` names what a CSV has no column for. */
export function csvOf(draft) {
  const rows = draft.rows.map((row) => {
    const known = { ...draft.defaults, ...filled(row.cells), number: row.number };
    if ((known.clip_provider || AUTO) === AUTO) known.clip_provider = "";
    if ((known.keyframe_provider || AUTO) === AUTO) known.keyframe_provider = "";
    return COLUMNS.map((column) => known[column] ?? "");
  });
  const lost = new Set(draft.rows.flatMap((row) => moreOf(row)));
  if (draft.rows.some((row) => isWanted(row, draft.defaults, "variation"))) lost.add("variation");
  if (draft.rows.some((row) => !row.on)) lost.add("which shots are left out");
  return { text: writeCsv(COLUMNS, rows), lost: [...lost] };
}

function isWanted(row, defaults, role) {
  const provider = row.cells[`${role}_provider`] || defaults[`${role}_provider`];
  return provider !== NONE;
}

function filled(cells) {
  return Object.fromEntries(Object.entries(cells).filter(([, text]) => text !== ""));
}

/** What a row says beside its cells, as short names: "seed", "clip fps", "characters". */
export function moreOf(row) {
  return Object.entries(row.rest).flatMap(([name, value]) => {
    if (!PARTS.includes(name)) return [name];
    const { params = {}, ...own } = value ?? {};
    return [...Object.keys(own), ...Object.keys(params)].map((field) => `${name} ${field}`);
  });
}

// --- in: files and what was made before ----------------------------------------------------------

/** `{draft, faults}` for the text of a file; the draft is null where nothing of it can be used. */
export function draftOfFile(text, kind) {
  if (kind === "csv") return draftOfCsv(text);
  return kind === "jsonl" ? draftOfJsonLines(text) : draftOfJson(text);
}

/** What a file's name or its first sign says it is. */
export function kindOf(name, text) {
  const extension = /\.(csv|tsv|txt|jsonl|ndjson|json)$/i.exec(name ?? "")?.[1].toLowerCase();
  if (extension === "json") return "json";
  if (extension === "jsonl" || extension === "ndjson") return "jsonl";
  if (extension) return "csv";
  const start = text.trimStart();
  if (!start.startsWith("{")) return "csv";
  return isJson(start) ? "json" : "jsonl";
}

function isJson(text) {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value.shots);
  } catch {
    return false;
  }
}

function draftOfCsv(text) {
  const { rows, faults } = readCsv(text);
  const shots = rows.map(({ line, cells }) => {
    const { number, ...others } = cells;
    const text = number?.trim() ?? "";
    if (text && !WHOLE.test(text)) {
      faults.push({ line, column: "number", message: "number must be a whole number, such as 5." });
    }
    return { line, number: WHOLE.test(text) ? Number(text) : null, cells: others, rest: {} };
  });
  return drafted({}, shots, faults);
}

function draftOfJson(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return refused(`This cannot be read as JSON: ${error.message}.`);
  }
  if (!Array.isArray(body?.shots)) return refused("The JSON has no list of shots.");
  const { shots, ...head } = body;
  return ofShots(
    head,
    shots.map((shot, i) => ({ line: null, shot, place: i + 1 })),
    [],
  );
}

function draftOfJsonLines(text) {
  const faults = [];
  const shots = [];
  let head = {};
  text.split(/\r?\n/).forEach((line, i) => {
    if (!line.trim()) return;
    try {
      const value = JSON.parse(line);
      if (i === 0 && value && !("prompt" in value)) head = value;
      else shots.push({ line: i + 1, shot: value, place: shots.length + 1 });
    } catch (error) {
      faults.push({
        line: i + 1,
        column: null,
        message: `This cannot be read as JSON: ${error.message}.`,
      });
    }
  });
  return ofShots(head, shots, faults);
}

function refused(message) {
  return { draft: null, faults: [{ line: null, column: null, message }] };
}

function ofShots(head, shots, faults) {
  const rows = [];
  for (const { line, shot, place } of shots) {
    if (shot === null || typeof shot !== "object" || Array.isArray(shot)) {
      faults.push({ line, column: null, message: `Shot ${place} is not an object.` });
    } else {
      rows.push({ line, ...rowOf(shot, head.defaults ?? {}) });
    }
  }
  return drafted(head, rows, faults);
}

function drafted(head, shots, faults) {
  if (shots.length > MOST_SHOTS) {
    return refused(`There are ${shots.length} shots; at most ${MOST_SHOTS} are taken.`);
  }
  if (!shots.length) {
    return {
      draft: null,
      faults: faults.length
        ? faults
        : [{ line: null, column: null, message: "The file has no shots." }],
    };
  }
  const own = Object.fromEntries(
    [...HEAD_TEXTS, ...HEAD_WORDS]
      .filter((name) => typeof head[name] === "string")
      .map((name) => [name, head[name]]),
  );
  const rows = shots.map((shot, i) => ({
    id: i + 1,
    number: shot.number ?? i + 1,
    on: true,
    cells: { prompt: "", ...shot.cells },
    rest: shot.rest,
  }));
  const draft = {
    ...emptyDraft(),
    ...own,
    defaults: FILE_DEFAULTS,
    rows: unique(rows),
    next: rows.length + 1,
  };
  return { draft, faults };
}

/** In the order of their numbers; numbers that come twice are given anew. */
function unique(rows) {
  const numbers = new Set(rows.map((row) => row.number));
  if (numbers.size < rows.length) return rows.map((row, i) => ({ ...row, number: i + 1 }));
  return rows.toSorted((a, b) => a.number - b.number);
}

/** A shot of the API as number, cells and the rest. */
function rowOf(shot, defaults) {
  const { number, prompt, negative_prompt, scene, keyframe, variation, clip, ...more } = shot;
  const cells = {
    prompt: textOf(prompt),
    negative_prompt: textOf(negative_prompt),
    scene: textOf(scene),
  };
  const rest = { ...more };
  const stills = { keyframe: "keyframe" in shot ? keyframe : {}, variation, clip };
  for (const role of PARTS) {
    const part = merged(stills[role], defaults[role], role in shot || role === "keyframe");
    cells[`${role}_provider`] = part ? textOf(part.provider) || AUTO : NONE;
    if (part) rest[role] = restOf(role, part, cells);
  }
  const size = rest.keyframe?.params.resolution;
  if (size && !rest.clip && !rest.variation) {
    cells.resolution = textOf(size);
    delete rest.keyframe.params.resolution;
  }
  const ratios = new Set(
    PARTS.filter((role) => rest[role]).map((role) => rest[role].params.aspect_ratio),
  );
  if (ratios.size === 1) {
    cells.aspect_ratio = textOf([...ratios][0]);
    for (const role of PARTS) delete rest[role]?.params.aspect_ratio;
  }
  for (const role of PARTS) if (rest[role]) tidy(rest, role);
  return { number: Number.isInteger(number) ? number : null, cells, rest };
}

function merged(part, byDefault, isSaid) {
  if (part === null) return null;
  if (!isSaid || part === undefined)
    return byDefault ? { ...byDefault, params: { ...byDefault.params } } : null;
  return { ...byDefault, ...part, params: { ...byDefault?.params, ...part.params } };
}

function restOf(role, part, cells) {
  const { provider, ...own } = part;
  const rest = { ...own, params: { ...own.params } };
  if (role !== "clip") return rest;
  for (const name of ["duration_s", "motion", "resolution"]) {
    const value = rest.params[name];
    if (value === undefined || (name === "resolution" && PIXELS.test(value))) continue;
    cells[name] = textOf(value);
    delete rest.params[name];
  }
  if (typeof rest.prompt === "string") {
    cells.clip_prompt = rest.prompt;
    delete rest.prompt;
  }
  return rest;
}

function tidy(rest, role) {
  if (!Object.keys(rest[role].params).length) delete rest[role].params;
  if (!Object.keys(rest[role]).length) delete rest[role];
}

function textOf(value) {
  return value === null || value === undefined ? "" : String(value);
}

// --- faults --------------------------------------------------------------------------------------

/** The API's pointers as `{rowId: {column: message}}` and what belongs to no cell. */
export function faultsByCell(errors, rows) {
  const cells = {};
  const others = [];
  for (const { pointer, message } of errors) {
    const [, index, path] = /^\/shots\/([0-9]+)(?:\/(.*))?$/.exec(pointer ?? "") ?? [];
    const row = rows[index];
    if (!row) {
      others.push({ pointer, message });
      continue;
    }
    const column = columnOf(path ?? "");
    cells[row.id] = { ...cells[row.id], [column]: cells[row.id]?.[column] ?? plain(message) };
  }
  return { cells, others };
}

const PLAIN = [
  ["input should be a valid integer", "must be a whole number, such as 5"],
  ["input should be", "must be"],
  ["value should have", "must have"],
  ["string should have", "must have"],
];

/** The gateway's word on a field, as one would say it of a cell. */
function plain(message) {
  if (message.startsWith("must match"))
    return "must be written like 720p, 1080p, 4k, 1024x1024 or 16:9";
  return PLAIN.reduce((text, [theirs, ours]) => text.replace(theirs, ours), message);
}

function columnOf(path) {
  const [part, ...fields] = path.split("/");
  if (!PARTS.includes(part)) return CELLS.includes(part) ? part : "prompt";
  const field = fields.at(-1);
  if (field === "prompt") return "clip_prompt";
  return SHARED.includes(field) ? field : `${part}_provider`;
}

// --- from what was made --------------------------------------------------------------------------

/** A storyboard of the API as a fresh draft of the same. */
export function draftOfBoard(board) {
  const shots = board.shots.map((shot) => {
    const asked = { number: shot.number, prompt: shot.prompt };
    for (const name of ["negative_prompt", "scene", "strategy"])
      if (shot[name]) asked[name] = shot[name];
    if (shot.characters?.length) asked.characters = shot.characters;
    for (const role of PARTS) asked[role] = shot[role] ? askedPart(shot[role].asked, shot) : null;
    return asked;
  });
  const { title, project, strategy, budget, continuity } = board;
  const head = {
    title: title ?? "",
    project: project ?? "",
    strategy,
    budget: budget ?? "",
    continuity,
  };
  return ofShots(
    head,
    shots.map((shot, i) => ({ line: null, shot, place: i + 1 })),
    [],
  ).draft;
}

/** Only what differs from the shot's own words, as one would have written it. */
function askedPart({ provider, prompt, negative_prompt: negative, params }, shot) {
  return {
    provider,
    ...(prompt === shot.prompt ? {} : { prompt }),
    ...(negative && negative !== shot.negative_prompt ? { negative_prompt: negative } : {}),
    params: Object.fromEntries(
      Object.entries(params).filter(([name, value]) => name !== "quality" || value !== "standard"),
    ),
  };
}
