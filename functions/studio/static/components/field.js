// A labelled input, its hint and what is wrong with it, tied together for screen readers.

import { html, useId } from "../html.js";

/**
 * `children` is a function of the attributes that the input must carry. `fault` is what the
 * gateway said of this field; `hint` stands below it always, so nothing moves when a fault comes.
 */
export function Field({ label, hint, fault, wide, children }) {
  const id = useId();
  const told = fault || hint;
  return html`<div class=${`field${wide ? " wide" : ""}`}>
    <label for=${id}>${label}</label>
    ${children({
      id,
      "aria-describedby": told ? `${id}-told` : undefined,
      "aria-invalid": fault ? "true" : undefined,
    })}
    ${told && html`<p class=${fault ? "fault" : "hint"} id=${`${id}-told`}>${told}</p>`}
  </div>`;
}

/** A choice of few, as a row of radio buttons. `options` are {value, label, title}. */
export function Choice({ label, name, value, options, onChange, disabled }) {
  return html`<fieldset class="choice" disabled=${disabled}>
    <legend>${label}</legend>
    <div class="choice-row">
      ${options.map(
        (one) => html`<label key=${one.value} title=${one.title}>
          <input
            type="radio"
            name=${name}
            value=${one.value}
            checked=${one.value === value}
            onChange=${() => onChange(one.value)}
          />
          <span>${one.label}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;
}

/** A choice of many, in a list that the system draws. */
export function Select({ label, hint, fault, value, options, onChange, disabled }) {
  return html`<${Field} label=${label} hint=${hint} fault=${fault}>
    ${(own) => html`<select
      ...${own}
      disabled=${disabled}
      value=${value}
      onChange=${(event) => onChange(event.currentTarget.value)}
    >
      ${options.map(
        (one) => html`<option key=${one.value} value=${one.value} selected=${one.value === value}>
          ${one.label}
        </option>`,
      )}
    </select>`}
  <//>`;
}
