// Reports as data for charts: months, days, shares. Nothing here draws.

import { micros } from "../format.js";

const DAY_MS = 86_400_000;
const monthName = new Intl.DateTimeFormat("en-GB", {
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export const thisMonth = (now = new Date()) => now.toISOString().slice(0, 7);
export const titleOf = (period) => monthName.format(new Date(`${period}-01T00:00:00Z`));

/** The month `step` months later. */
export function monthBeside(period, step) {
  const [year, month] = period.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + step, 1)).toISOString().slice(0, 7);
}

/** Every day of the month with what was spent on it: `[{date, day, spent, isAhead}]`. */
export function daysOf(period, byDay, today = new Date().toISOString().slice(0, 10)) {
  const spent = new Map(byDay.map((one) => [one.date, one.spent]));
  const [year, month] = period.split("-").map(Number);
  const count = Math.round((Date.UTC(year, month, 1) - Date.UTC(year, month - 1, 1)) / DAY_MS);
  return Array.from({ length: count }, (_, i) => {
    const date = `${period}-${String(i + 1).padStart(2, "0")}`;
    return { date, day: i + 1, spent: spent.get(date) ?? "0.0000", isAhead: date > today };
  });
}

/** An object of amounts as rows, the largest first: `[{name, spent, share}]`, shares of the sum. */
export function sharesOf(amounts) {
  const rows = Object.entries(amounts ?? {}).map(([name, spent]) => ({
    name,
    spent,
    value: micros(spent),
  }));
  const sum = rows.reduce((total, row) => total + row.value, 0);
  return rows
    .sort((a, b) => b.value - a.value || a.name.localeCompare(b.name))
    .map(({ name, spent, value }) => ({ name, spent, share: sum ? value / sum : 0 }));
}

/** A round top for an axis, and the values of its lines, in micro-dollars. */
export function axisOf(highest) {
  const top = Math.max(highest, 1);
  const unit = 10 ** Math.floor(Math.log10(top));
  const step =
    [1, 2, 2.5, 5, 10].map((factor) => (factor * unit) / 4).find((size) => size * 4 >= top) ?? unit;
  const lines = Math.ceil(top / step);
  return Array.from({ length: lines + 1 }, (_, i) => i * step);
}

/** How much of a limit is used, in tenths of a percent, never rounded up; null without a limit. */
export function usedPercent({ spent, limit }) {
  const whole = micros(limit ?? "0");
  return whole > 0 ? Math.floor((micros(spent) * 1000) / whole) / 10 : null;
}
