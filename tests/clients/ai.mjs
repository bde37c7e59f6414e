// The Vercel AI SDK with its provider for what is compatible with OpenAI; prints JSON.
import { createHash } from 'node:crypto';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateImage } from 'ai';

const asked = JSON.parse(process.argv[2]);
const gateway = createOpenAICompatible({
  name: 'filmgate',
  baseURL: asked.url,
  apiKey: asked.token,
});
const { image } = await generateImage({
  model: gateway.imageModel(asked.model),
  prompt: asked.prompt,
  size: '1536x864',
});
console.log(
  JSON.stringify({
    sha256: createHash('sha256').update(image.uint8Array).digest('hex'),
    media_type: image.mediaType,
  }),
);
