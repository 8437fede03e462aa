/**
 * Everything at once: names of sixty characters without a space, twenty blocks, five thousand messages, right-to-left
 * text, emoji, a code block of two hundred lines, a failed and an interrupted turn.
 */
import { modelOf } from './models';
import type { World } from './world';
import { agentOf, blockOf, byAgent, DAY, emptyWorld, HOUR, messageOf, MINUTE, passageOf, turnOf } from './world';

const LONG_NAME = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenxx';
const ARABIC = 'تذكّر أنني أفضّل الوضع الداكن، وأنني أكتب أحيانًا بالعربية.';
const HEBREW = 'זכור שאני גר בחיפה ועובד מהבית.';

const SAID = [
  'What is on my list for tomorrow?',
  ARABIC,
  'Explain it once more, please, but shorter 🙏🏽 and with an example that a child would understand 👩‍👧‍👦',
  'ok',
  HEBREW,
  'aVeryLongWordWithoutAnySpace'.repeat(6),
];

const ANSWERS = [
  'Three things: the dentist at **9:40**, a call with Hanne, and the second part of the novel.',
  '- one\n- two\n  - two and a half\n- three\n\n> A quote that someone said once and that is long enough to go over more than one line of the column.',
  'نعم، سأتذكّر ذلك.',
  '| What | When | How much |\n|---|---|---|\n| Rent | 1st | 12,400 kr |\n| Power | 15th | 1,180 kr |\n| Ferry | 20th | 640 kr |',
  'See [the page](https://example.com/a/very/long/address/that/goes/on/and/on) and ![a map](https://example.com/map.png).',
  'Done. ✅',
];

function twoHundredLines(): string {
  const lines = Array.from({ length: 200 }, (_, at) => `  let line_${at} = compute(${at}, "${'x'.repeat(at % 40)}"); // ${at}`);
  return `\`\`\`rust\nfn main() {\n${lines.join('\n')}\n}\n\`\`\``;
}

export function overfullWorld(nowMs: number): World {
  const world = emptyWorld();
  world.profile = { ...world.profile, firstStart: false, userName: LONG_NAME, keyring: false, unembedded: 1240 };
  const agents = Array.from({ length: 24 }, (_, at) =>
    agentOf(at === 0 ? LONG_NAME : at === 1 ? 'مساعدي الشخصي' : at === 2 ? '🦊 Fox with a long name that needs an ellipsis' : `Agent ${at}`, nowMs - 90 * DAY),
  );
  world.agents.push(...agents);
  const [ada] = agents;
  if (!ada) return world;

  const count = 2500;
  for (let at = 0; at < count; at += 1) {
    const turn = turnOf(ada, nowMs - (count - at) * 20 * MINUTE);
    const inWindow = at > count - 40;
    world.turns.push(turn);
    world.messages.push(messageOf(turn, 2 * at + 1, 'User', SAID[at % SAID.length] ?? '', { inWindow }));
    world.messages.push(messageOf(turn, 2 * at + 2, 'Assistant', ANSWERS[at % ANSWERS.length] ?? '', { inWindow }));
  }
  const code = turnOf(ada, nowMs - 18 * MINUTE);
  const failed = turnOf(ada, nowMs - 10 * MINUTE, {
    state: 'Failed',
    error: {
      code: 'Endpoint',
      message: 'The endpoint lm-studio did not answer in 60 seconds. Your message is saved.',
      hint: 'Start LM Studio, or choose another model under the composer.',
    },
  });
  const interrupted = turnOf(ada, nowMs - 4 * MINUTE, { state: 'Interrupted' });
  world.turns.push(code, failed, interrupted);
  const seq = world.messages.length;
  world.messages.push(
    messageOf(code, seq + 1, 'User', 'Write out all two hundred lines.'),
    messageOf(code, seq + 2, 'Assistant', twoHundredLines()),
    messageOf(failed, seq + 3, 'User', HEBREW),
    messageOf(interrupted, seq + 4, 'User', 'Then tell me about the weather in Bergen 🌧️'),
    messageOf(interrupted, seq + 5, 'Assistant', 'It rains, as it mostly does. Between'),
  );

  for (let at = 0; at < 20; at += 1) {
    const label = at === 0 ? 'human' : at === 1 ? LONG_NAME.toLowerCase() : `block_${at}`;
    const value = at === 0 ? `${ARABIC}\n${HEBREW}\n${'A line about something that was said. '.repeat(30)}` : `Line of block ${at}.\n`.repeat(1 + (at % 9));
    world.blocks.push(
      blockOf(ada, label, value, nowMs - at * HOUR, {
        limitChars: at === 3 ? value.length : 20_000,
        readOnly: at % 5 === 4,
        agentIds: agents.slice(0, 1 + (at % 4)).map((agent) => agent.id),
        provenance: byAgent(ada, 'memory_rethink'),
        revision: at + 1,
      }),
    );
  }
  world.changes.push(
    ...world.blocks.slice(0, 3).map((block, at) => ({
      turnId: code.id,
      provenance: block.provenance,
      what: { type: 'Block' as const, blockId: block.id, label: block.label, revision: at + 1, before: at === 0 ? block.value.slice(60) : '', after: block.value },
      atMs: nowMs - 18 * MINUTE,
      undone: at === 2,
    })),
  );
  for (let at = 0; at < 640; at += 1) {
    world.passages.push(
      passageOf(ada, at % 7 === 0 ? ARABIC.repeat(1 + (at % 5)) : `Passage ${at}: ${'something worth keeping, '.repeat(1 + (at % 30))}and its end.`, [`tag-${at % 25}`, at % 3 === 0 ? LONG_NAME : 'home'], nowMs - at * 5 * HOUR),
    );
  }
  world.models.push(
    modelOf('lm-studio/qwen3-30b', 'qwen3-30b-a3b-instruct-2507-q4_k_m-a-name-that-goes-on', { remoteHost: 'api.a-provider-with-a-long-name.example.com', contextWindowTokens: 262_144, licence: null }),
    modelOf('file/broken', 'broken.gguf', { origin: 'Added', state: { type: 'Failed', message: 'The file ends in the middle of a tensor. It may not have been copied to its end; copy it again.' }, sizeBytes: 40_000_000 }),
    modelOf('gemma-3-4b', 'Gemma 3 4B', { state: { type: 'Downloading', bytes: 812_000_000, of: 2_490_000_000 }, sizeBytes: 2_490_000_000 }),
  );
  world.endpoints.push({ id: 'lm-studio', baseUrl: 'http://127.0.0.1:1234/v1', host: '127.0.0.1', keyHint: null, models: ['qwen3-30b'], loopback: true });
  world.settings = { ...world.settings, offline: false };
  return world;
}
