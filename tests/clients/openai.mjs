// The official `openai` library: `node openai.mjs <what> <json>` does one thing and prints JSON.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import OpenAI, { toFile } from 'openai';

const [what, given] = process.argv.slice(2);
const asked = JSON.parse(given);
const client = new OpenAI({ baseURL: asked.url, apiKey: asked.token });

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function image() {
  const { data, response } = await client.images
    .generate({ prompt: asked.prompt, model: asked.model, size: '1536x864' })
    .withResponse();
  return {
    sha256: sha256(Buffer.from(data.data[0].b64_json, 'base64')),
    cost: response.headers.get('x-filmgate-cost'),
    id: response.headers.get('x-filmgate-generation-id'),
  };
}

async function video() {
  const still = await toFile(readFileSync(asked.still), 'still.png', { type: 'image/png' });
  let video = await client.videos.create({
    prompt: asked.prompt,
    model: asked.model,
    size: '1280x720',
    seconds: '4',
    input_reference: still,
    project: 'node',
    tags: ['a', 'b'],
  });
  const seen = [video.status];
  while (!['completed', 'failed'].includes(video.status)) {
    await new Promise((done) => setTimeout(done, 100));
    video = await client.videos.retrieve(video.id);
    if (seen.at(-1) !== video.status) seen.push(video.status);
  }
  const content = await client.videos.downloadContent(video.id);
  const listed = [];
  for await (const one of client.videos.list({ limit: 1 })) listed.push(one.id);
  const deleted = await client.videos.delete(video.id);
  return { video, seen, sha256: sha256(Buffer.from(await content.arrayBuffer())), listed, deleted };
}

async function models() {
  const listed = [];
  for await (const model of client.models.list()) listed.push(model.id);
  return { listed, one: await client.models.retrieve('kling') };
}

try {
  console.log(JSON.stringify(await { image, video, models }[what]()));
} catch (error) {
  const { status, code, param, type } = error;
  console.log(JSON.stringify({ error: error.constructor.name, status, code, param, type }));
}
