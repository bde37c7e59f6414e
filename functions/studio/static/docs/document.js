// Reading an OpenAPI document: its operations, and schemas behind references.

const METHODS = ["get", "post", "put", "delete", "patch"];

/** Every operation with its method, path and id, in the order of the document. */
export function operations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      ...item[method],
      id: item[method].operationId,
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** Operations by tag: {name, told, operations}. */
export function groups(document, known) {
  return (document?.tags ?? []).map(({ name, description }) => ({
    name,
    told: description,
    operations: known.filter((one) => one.tags.includes(name)),
  }));
}

/** What a reference stands for, or the thing itself. */
export function resolved(document, thing) {
  if (!thing?.$ref) return thing;
  return thing.$ref
    .slice(2)
    .split("/")
    .reduce((within, part) => within[part], document);
}

/** The name of what a reference points at, if it is one. */
export const nameOf = (schema) => schema.$ref?.split("/").pop();

/** A schema without its "or null": {schema, nullable}. */
export function bare(schema) {
  const choices = schema.anyOf;
  if (!choices) return { schema, nullable: false };
  const rest = choices.filter((one) => one.type !== "null");
  const nullable = rest.length < choices.length;
  return { schema: rest.length === 1 ? rest[0] : { anyOf: rest }, nullable };
}

/** A type in a few words: "text", "list of Attempt", "Take or null". */
export function typeOf(document, given) {
  const { schema, nullable } = bare(given);
  const told = plainType(document, schema);
  return nullable ? `${told} or null` : told;
}

function plainType(document, schema) {
  const full = resolved(document, schema);
  if (full.enum) return full.enum.join(" | ");
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(document, one)).join(" or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${typeOf(document, schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties)
    return `each name: ${typeOf(document, schema.additionalProperties)}`;
  const words = { string: "text", integer: "whole number", boolean: "true or false" };
  if (schema.type === "string" && schema.format === "binary") return "file";
  return words[schema.type] ?? schema.type ?? "anything";
}

/** The object with fields that lies in a schema, through lists, names and "or null"; or null. */
export function objectIn(document, given) {
  const { schema } = bare(given);
  const full = resolved(document, schema);
  if (full.properties) return full;
  if (full.type === "array") return objectIn(document, full.items);
  if (full.type === "object" && typeof full.additionalProperties === "object")
    return objectIn(document, full.additionalProperties);
  return null;
}

/** Bounds of a value, for a reader. */
export function boundsOf(document, given) {
  const schema = resolved(document, bare(given).schema);
  const told = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined)
    told.push(`${schema.minimum} to ${schema.maximum}`);
  else if (schema.minimum !== undefined) told.push(`at least ${schema.minimum}`);
  if (schema.maxLength !== undefined) told.push(`up to ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) told.push(`up to ${schema.maxItems} items`);
  if (given.default !== undefined) told.push(`usually ${JSON.stringify(given.default)}`);
  if (schema.examples) told.push(`such as ${JSON.stringify(schema.examples[0])}`);
  return told.join(", ");
}
