// Shot lists and reports as CSV: read without trust, written so that no spreadsheet finds a formula.
//
// What is read here is what the API reads: a header, one of three delimiters, quoted cells that
// may hold line breaks. Faults are collected with line and column, never thrown.

export const COLUMNS = [
  "number",
  "prompt",
  "negative_prompt",
  "scene",
  "keyframe_provider",
  "clip_provider",
  "clip_prompt",
  "duration_s",
  "resolution",
  "aspect_ratio",
  "motion",
];
const DELIMITERS = [",", ";", "\t"];
const KNOWN = COLUMNS.join(", ");
// A text that a spreadsheet would evaluate, or one that was already guarded against that.
const FORMULA = /^'*[=+\-@\t\r\n]/;
const GUARDED = /^'+[=+\-@\t\r\n]/;

/** The rows of a CSV: `{rows: [{line, cells: {column: text}}], faults: [{line, column, message}]}`. */
export function readCsv(text) {
  const lines = text.replace(/^\ufeff/, "");
  const header = headerOf(lines);
  if (header.fault) return { rows: [], faults: [header.fault].flat() };
  if (header.prompts) return promptsOf(lines);
  const { records, fault } = recordsOf(lines.slice(header.end), header.delimiter, header.line + 1);
  const rows = [];
  const faults = fault ? [fault] : [];
  for (const { line, cells } of records) {
    while (cells.length && !cells.at(-1).trim()) cells.pop();
    if (!cells.length) continue;
    if (cells.length > header.names.length) {
      faults.push({
        line,
        column: null,
        message:
          `This row has ${cells.length} cells, the header ${header.names.length}. ` +
          "A text that holds the delimiter must stand in double quotes.",
      });
      continue;
    }
    rows.push({
      line,
      cells: Object.fromEntries(cells.map((cell, i) => [header.names[i], unguarded(cell)])),
    });
  }
  if (!rows.length && !faults.length)
    faults.push({ line: null, column: null, message: "The file has no shots." });
  return { rows, faults };
}

/** A CSV of these columns; `rows` are arrays of texts and numbers, null is an empty cell. */
export function writeCsv(columns, rows) {
  const text = [columns, ...rows].map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
  // Excel reads UTF-8 only behind a byte order mark; plain ASCII is spared it.
  return /^[\x00-\x7f]*$/.test(text) ? text : `\ufeff${text}`;
}

/** The text with an apostrophe before it where a spreadsheet would take it for a formula. */
function guarded(text) {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** What `guarded` was given. */
function unguarded(text) {
  return GUARDED.test(text) ? text.slice(1) : text;
}

function cellOf(value) {
  const text = guarded(value === null || value === undefined ? "" : String(value));
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

function headerOf(lines) {
  let start = 0;
  let line = 1;
  while (start < lines.length) {
    const stop = lines.indexOf("\n", start);
    const end = stop < 0 ? lines.length : stop;
    if (lines.slice(start, end).trim()) {
      return { ...headerIn(lines.slice(start, end), line), end: end + 1, line };
    }
    start = end + 1;
    line += 1;
  }
  return { fault: { line: 1, column: null, message: "The file is empty." } };
}

function headerIn(text, line) {
  const found = DELIMITERS.map((delimiter) => ({ delimiter, names: namesOf(text, delimiter) }));
  const known = ({ names }) => new Set(names.filter((name) => COLUMNS.includes(name))).size;
  const best = found.reduce((a, b) => (known(b) > known(a) ? b : a));
  if (!known(best)) return { prompts: true };
  const unknown = best.names.filter((name) => !COLUMNS.includes(name));
  if (unknown.length) {
    return {
      fault: unknown.map((name) => ({
        line,
        column: name,
        message: `The column “${name.slice(0, 40)}” is not known; known are ${KNOWN}.`,
      })),
    };
  }
  const twice = best.names.find((name, i) => best.names.indexOf(name) !== i);
  if (twice)
    return { fault: { line, column: twice, message: `The column ${twice} is there twice.` } };
  if (!best.names.includes("prompt")) {
    return { fault: { line, column: "prompt", message: "The column prompt is missing." } };
  }
  return best;
}

function namesOf(text, delimiter) {
  const { records } = recordsOf(text, delimiter, 1);
  const names = (records[0]?.cells ?? [text]).map((cell) => cell.trim().toLowerCase());
  while (names.length && !names.at(-1)) names.pop();
  return names;
}

/** Lines without a header are prompts, one a line: what a director pastes out of a script. */
function promptsOf(lines) {
  const rows = lines
    .split(/\r\n|\n|\r/)
    .map((text, i) => ({ line: i + 1, cells: { prompt: text.trim() } }))
    .filter((row) => row.cells.prompt);
  return { rows, faults: [] };
}

function recordsOf(text, delimiter, firstLine) {
  const records = [];
  let line = firstLine;
  let begins = line;
  let cells = [];
  let at = 0;
  const done = () => {
    records.push({ line: begins, cells });
    cells = [];
    begins = line;
  };
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      at += 1;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0) {
          const message = "A double quote is opened in this row and never closed.";
          return { records, fault: { line: begins, column: null, message } };
        }
        cell += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at += 1;
      }
      line += cell.split("\n").length - 1;
      if (text.startsWith("\r\n", at)) at += 1;
      if (at < text.length && text[at] !== delimiter && text[at] !== "\n") {
        const message =
          "Text stands behind a closing quote. Within a quoted cell, write a quote twice.";
        return { records, fault: { line: begins, column: null, message } };
      }
    } else {
      const end = endOf(text, at, delimiter);
      cell = text.slice(at, end);
      at = end;
      if (text[at] !== delimiter && cell.endsWith("\r")) cell = cell.slice(0, -1);
      if (cell.includes("\r")) {
        const message =
          "A line ends with a carriage return alone. Save the file with usual line ends.";
        return { records, fault: { line: begins, column: null, message } };
      }
    }
    cells.push(cell);
    const sign = text[at];
    at += 1;
    if (sign === delimiter && at >= text.length) cells.push("");
    if (sign !== delimiter) {
      line += 1;
      done();
    }
  }
  if (cells.length) done();
  return { records, fault: null };
}

function endOf(text, from, delimiter) {
  let at = from;
  while (at < text.length && text[at] !== delimiter && text[at] !== "\n") at += 1;
  return at;
}
