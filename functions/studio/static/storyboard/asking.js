// What the gateway is asked about a draft: its price while it is written, and at last to make it.

import { connected, freshKey, post } from "../api.js";
import { Icon } from "../components/icons.js";
import { Failure } from "../components/states.js";
import { tell } from "../components/tell.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../html.js";
import { go } from "../router.js";
import { useStore } from "../store.js";
import { useRested } from "../use.js";
import { bodyOf, chosen, faultsByCell, withFit } from "./draft.js";
import { TITLES } from "./grid.js";

/** The estimate of what the draft says once typing rests, and the faults the gateway finds. */
export function useEstimate(draft) {
  const rows = useMemo(() => chosen(draft).filter((row) => row.cells.prompt?.trim()), [draft]);
  const asked = useMemo(() => JSON.stringify(bodyOf(draft, rows)), [draft, rows]);
  const rested = useRested(asked, 350, asked);
  const online = useStore(connected);
  const [state, setState] = useState({ estimate: null, error: null, rows: [], of: null });
  useEffect(() => {
    if (rested !== asked) return undefined; // something is being typed: its own turn comes
    if (!rows.length) {
      setState({ estimate: null, error: null, rows: [], of: rested });
      return undefined;
    }
    const own = new AbortController();
    post("/v1/estimates/storyboard", JSON.parse(rested), { signal: own.signal }).then(
      ({ data }) => setState({ estimate: data, error: null, rows, of: rested }),
      (error) =>
        own.signal.aborted ||
        setState((now) => ({
          estimate: error.problem?.errors ? null : now.estimate,
          error,
          rows,
          of: rested,
        })),
    );
    return () => own.abort();
  }, [rested, online]);
  return useMemo(() => {
    const found = faultsByCell(state.error?.problem?.errors ?? [], state.rows);
    const byNumber = new Map((state.estimate?.shots ?? []).map((shot) => [shot.number, shot]));
    return {
      ...state,
      count: state.rows.length,
      stale: state.of !== asked,
      cells: found.cells,
      others: found.others.filter((one) => one.pointer !== "/budget"),
      faults: Object.fromEntries(found.others.map((one) => [one.pointer, one.message])),
      byRow: Object.fromEntries(state.rows.map((row) => [row.id, byNumber.get(row.number)])),
      warnings: state.estimate?.warnings ?? [],
    };
  }, [state, asked]);
}

/** What the gateway refused, beside the cells that are marked. */
export function Problems({ price }) {
  const errors = price.error.problem?.errors;
  if (!errors) return html`<${Failure} error=${price.error} />`;
  const jump = (id, column) =>
    document.querySelector(`[data-of="${id}"][data-cell="${column}"]`)?.focus();
  const found = price.rows.flatMap((row) =>
    Object.entries(price.cells[row.id] ?? {}).map(([column, message]) => ({
      row,
      column,
      message,
    })),
  );
  const count = found.length + price.others.length;
  return html`<section class="failure" role="alert">
    <${Icon} name="warning" />
    <div>
      <p>
        ${count === 1 ? "One thing stands" : `${count} things stand`}${" "}in the way of a price.
      </p>
      <ul>
        ${found
          .slice(0, 20)
          .map(
            ({ row, column, message }) =>
              html`<li key=${`${row.id} ${column}`}>
                <button type="button" class="link" onClick=${() => jump(row.id, column)}>
                  Shot ${row.number}, ${TITLES[column]}</button
                >: ${message}
              </li>`,
          )}
        ${price.others.map(
          (one) =>
            html`<li key=${one.pointer}><code>${one.pointer}</code>${" "}${one.message}</li>`,
        )}
      </ul>
    </div>
  </section>`;
}

/** Starting, so that neither a double click nor a lost answer starts twice. */
export function useStart(draft, step) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const wish = useRef({ body: null, key: null });
  const start = async (from) => {
    const body = bodyOf(from);
    const text = JSON.stringify(body);
    if (wish.current.body !== text) wish.current = { body: text, key: freshKey() };
    setBusy(true);
    setError(null);
    try {
      const { data } = await post("/v1/storyboards", body, { key: wish.current.key });
      tell(`“${data.title || "Untitled"}” is being made.`);
      go("storyboard", [data.id]);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  const problem = error?.problem?.fits ? error.problem : null;
  useEffect(() => setError(null), [draft.budget, draft.rows, draft.strategy, draft.project]);
  return {
    busy,
    error,
    problem,
    start: useCallback(() => start(draft), [draft]),
    forget: () => setError(null),
    takeFit: (andStart) => {
      const fitting = withFit(draft, problem.fits);
      step("the draft before it was made to fit", () => fitting);
      if (andStart) start(fitting);
    },
  };
}
