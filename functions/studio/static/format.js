// How figures are written: the same everywhere, so that columns align and people can compare.

const NONE = "–";

/** "0.0200" as "$0.0200". Amounts stay the gateway's own text: no float touches money. */
export const usd = (amount) => (amount == null ? NONE : `$${amount}`);

/** Micro-dollars of an amount's text, exact, for adding and comparing. */
export function micros(amount) {
  const [whole, part = ""] = String(amount).split(".");
  return Number(whole) * 1e6 + Number(part.padEnd(6, "0").slice(0, 6));
}

/** The amount's text of micro-dollars. */
export const amount = (value) => (value / 1e6).toFixed(4);

export const percent = (value) => (value == null ? NONE : `${value} %`);

/** Seconds as "8 s", "1 min 20 s". */
export function seconds(value) {
  if (value == null) return NONE;
  if (value < 10) return `${Number(value.toFixed(1))} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)} min${rest ? ` ${rest} s` : ""}`;
}

export function bytes(value) {
  if (value == null) return NONE;
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} kB`;
  return `${(value / 1e6).toFixed(1)} MB`;
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export const date = (moment) => (moment ? day.format(new Date(moment)) : NONE);
export const time = (moment) => (moment ? clock.format(new Date(moment)) : NONE);

/** "14:02" for today, "3 Nov 2026, 14:02" for any other day. */
export function when(moment) {
  if (!moment) return NONE;
  return date(moment) === day.format(new Date()) ? time(moment) : `${date(moment)}, ${time(moment)}`;
}

/** How long between two moments; until now without a second one. */
export const lasted = (from, to) =>
  from ? seconds(Math.max(0, (to ? new Date(to) : new Date()) - new Date(from)) / 1000) : NONE;

/** "key_refused" and "quota-exhausted" as words. */
export const words = (code) => String(code ?? NONE).replaceAll(/[_-]/g, " ");
