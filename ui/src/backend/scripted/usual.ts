/**
 * A week of ordinary use: three agents, a few blocks, a conversation with memory changes, tool calls and code.
 */
import type { AgentView, MemoryChange, TurnView } from '../generated';
import { agentOf, blockOf, byAgent, DAY, emptyWorld, HOUR, messageOf, MINUTE, newId, passageOf, turnOf, you, type World } from './world';

const CODE = `Here is a small script that does it:

\`\`\`python
from pathlib import Path

def rename_by_date(folder: Path) -> int:
    """Puts the date in front of every photo's name."""
    renamed = 0
    for photo in sorted(folder.glob("*.jpg")):
        day = photo.stat().st_mtime  # seconds
        photo.rename(photo.with_name(f"{day:.0f}-{photo.name}"))
        renamed += 1
    return renamed
\`\`\`

It returns how many it renamed. Two things to know:

1. It looks at \`*.jpg\` only, not at folders inside.
2. A second run puts the date in front **again**, so run it once.`;

function stepsOf(world: World, turn: TurnView): void {
  world.steps.push({
    id: `${turn.id}-step`,
    turnId: turn.id,
    number: 0,
    model: 'SmolLM2 135M',
    promptTokens: 1874,
    cachedTokens: 1620,
    completionTokens: 64,
    durationMs: 1840,
    trace: {
      intent: 'remember',
      retrieved: [
        { text: 'Nick works best in the evening and keeps the lights low.', reasons: ['meaning', 'saved 4 days ago'], score: 0.71 },
        { text: 'The laptop is a 13-inch with an OLED screen.', reasons: ['word “screen”'], score: 0.52 },
      ],
      tools_offered: ['memory_insert', 'memory_replace'],
      tool_calls: [{ name: 'memory_insert', took_ms: 6 }],
    },
    startedAtMs: turn.startedAtMs,
  });
}

/** Adds a turn in which an answer follows what was said; the message that was said. */
function exchange(world: World, agent: AgentView, atMs: number, said: string, answer: string, inWindow = true): { turn: TurnView; saidId: string } {
  const turn = turnOf(agent, atMs);
  const seq = world.messages.length + 1;
  const user = messageOf(turn, seq, 'User', said, { inWindow });
  world.turns.push(turn);
  world.messages.push(user);
  if (answer !== '') world.messages.push(messageOf(turn, seq + 1, 'Assistant', answer, { inWindow }));
  return { turn, saidId: user.id };
}

export function usualWorld(nowMs: number): World {
  const world = emptyWorld();
  world.profile = { ...world.profile, firstStart: false, userName: 'Nick' };

  const ada = agentOf('Ada', nowMs - 30 * DAY, { lastMessageAtMs: nowMs - 2 * MINUTE });
  const work = agentOf('Work', nowMs - 20 * DAY, { lastMessageAtMs: nowMs - DAY });
  const novel = agentOf('Novel', nowMs - 12 * DAY, { lastMessageAtMs: nowMs - 4 * DAY });
  world.agents.push(ada, work, novel);

  exchange(world, ada, nowMs - 8 * DAY, 'We sign for the new flat on Thursday.', 'Good. I will keep in mind that you sign on Thursday.', false);
  exchange(world, ada, nowMs - DAY - 3 * HOUR, 'How do I rename my photos by date?', CODE);

  const recall = exchange(world, ada, nowMs - 40 * MINUTE, 'What did I decide about Wednesdays?', '');
  const call = { id: newId('call'), name: 'conversation_search', arguments: { query: 'Wednesdays', limit: 5 } };
  const seq = world.messages.length;
  world.messages.push(
    messageOf(recall.turn, seq + 1, 'Assistant', '', {
      thoughts: 'They ask about an earlier decision. It is not in mind, so I look it up.',
      toolCalls: [call],
    }),
    messageOf(recall.turn, seq + 2, 'Tool', '1. [12 November] user: I want to keep Wednesdays free for the novel.\n2. [12 November] assistant: Noted: Wednesdays are for the novel.', {
      toolCallId: call.id,
      name: 'conversation_search',
    }),
    messageOf(recall.turn, seq + 3, 'Assistant', 'You decided to keep Wednesdays free for the novel. You said so on 12 November, and you have not changed it since.'),
  );

  const dark = exchange(world, ada, nowMs - 3 * MINUTE, 'Remember I prefer dark mode.', '');
  const insert = { id: newId('call'), name: 'memory_insert', arguments: { label: 'human', new_str: 'Prefers dark mode.' } };
  const at = world.messages.length;
  world.messages.push(
    messageOf(dark.turn, at + 1, 'Assistant', '', { thoughts: 'A preference that lasts: it belongs in the human block.', toolCalls: [insert] }),
    messageOf(dark.turn, at + 2, 'Tool', 'The block human was changed.', { toolCallId: insert.id, name: 'memory_insert' }),
    messageOf(dark.turn, at + 3, 'Assistant', 'Noted. I will keep to dark mode.'),
  );

  const before = 'Name: Nick\nLives in Oslo, moves to Bergen in January.\nWorks best in the evening.';
  const after = `${before}\nPrefers dark mode.`;
  const human = blockOf(ada, 'human', after, nowMs - 2 * MINUTE, {
    description: 'What Ada knows about you.',
    revision: 3,
    provenance: byAgent(ada, 'memory_insert', dark.turn.id, dark.saidId),
  });
  const persona = blockOf(ada, 'persona', 'I am concise, warm and exact. I say when I do not know.', nowMs - 9 * DAY, { description: 'Who Ada is.' });
  const projects = blockOf(ada, 'projects', 'Novel: second part, due in March.\nMove: keys on 4 January.', nowMs - 5 * HOUR, {
    description: 'What is going on.',
    agentIds: [ada.id, novel.id],
    limitChars: 2000,
    revision: 2,
    provenance: byAgent(ada, 'memory_replace'),
  });
  const rules = blockOf(ada, 'house_rules', 'Never suggest buying things.', nowMs - 20 * DAY, { readOnly: true, limitChars: 500 });
  world.blocks.push(human, persona, projects, rules);
  world.blocks.push(blockOf(work, 'human', 'Name: Nick', nowMs - 20 * DAY), blockOf(novel, 'human', 'Name: Nick', nowMs - 12 * DAY));
  world.blocks.push(blockOf(novel, 'characters', 'Ingrid, a ferry pilot. Tor, her brother.', nowMs - 6 * DAY));

  const change: MemoryChange = {
    turnId: dark.turn.id,
    provenance: human.provenance,
    what: { type: 'Block', blockId: human.id, label: 'human', revision: 3, before, after },
    atMs: nowMs - 2 * MINUTE,
    undone: false,
  };
  world.changes.push(change);
  world.revisions.set(human.id, [
    { number: 3, before, after, provenance: human.provenance, createdAtMs: nowMs - 2 * MINUTE },
    { number: 2, before: 'Name: Nick\nLives in Oslo.', after: before, provenance: byAgent(ada, 'memory_replace', recall.turn.id, recall.saidId), createdAtMs: nowMs - 3 * DAY },
    { number: 1, before: null, after: 'Name: Nick\nLives in Oslo.', provenance: you, createdAtMs: nowMs - 30 * DAY },
  ]);
  world.revisions.set(projects.id, [
    { number: 2, before: 'Novel: second part, due in February.\nMove: keys on 4 January.', after: projects.value, provenance: projects.provenance, createdAtMs: nowMs - 5 * HOUR },
    { number: 1, before: null, after: 'Novel: second part, due in February.\nMove: keys on 4 January.', provenance: you, createdAtMs: nowMs - 9 * DAY },
  ]);

  world.passages.push(
    passageOf(ada, 'The spare key is with Marta on the second floor. She is at home after six.', ['home', 'people'], nowMs - 2 * DAY, { provenance: byAgent(ada, 'archival_memory_insert', dark.turn.id, dark.saidId) }),
    passageOf(ada, 'Ingrid’s ferry is called the Havørn; it was built in 1961 and has one engine.', ['novel'], nowMs - 3 * DAY),
    passageOf(ada, 'Nick works best in the evening and keeps the lights low.', ['habits'], nowMs - 4 * DAY),
    passageOf(ada, 'The landlord in Oslo is Hanne Lie. Notice has to be given three months ahead, in writing.', ['home', 'move'], nowMs - 11 * DAY, { validToMs: nowMs + 40 * DAY }),
    passageOf(ada, 'Grandmother’s waffles: 3 eggs, 2 dl flour, 1 dl milk, cardamom, and let it rest for half an hour before baking.', ['recipes', 'family'], nowMs - 26 * DAY, { provenance: you }),
  );
  const weekly = passageOf(ada, 'The market by the station is open on Saturdays.', ['home'], nowMs - 60 * DAY, { validToMs: nowMs - 6 * DAY });
  const daily = passageOf(ada, 'The market by the station is open every day but Monday.', ['home'], nowMs - 6 * DAY);
  weekly.supersededBy = daily.id;
  world.passages.push(weekly, daily);
  stepsOf(world, dark.turn);
  return world;
}

/** The same, after the agent has tidied its blocks: one is new, one has another name, one is gone. */
export function tidiedWorld(nowMs: number): World {
  const world = usualWorld(nowMs);
  const ada = world.agents[0];
  const projects = world.blocks.find((block) => block.label === 'projects');
  if (!ada || !projects) return world;
  const { turn } = exchange(world, ada, nowMs - MINUTE, 'Tidy your blocks, please.', 'Done. I keep what goes on in one block, and the books in another.');
  const provenance = byAgent(ada, 'memory', turn.id);
  const books = blockOf(ada, 'books', 'Reads: The Ice Palace.\nNext: Growth of the Soil.', nowMs - MINUTE, { provenance });
  const trip = blockOf(ada, 'bergen_trip', 'Ferry at 8:15, twice a day.', nowMs - 5 * HOUR, { deletedAtMs: nowMs - MINUTE, provenance });
  world.blocks.push(books, trip);
  const change = (seconds: number, what: MemoryChange['what']): MemoryChange => ({ turnId: turn.id, provenance, what, atMs: nowMs - MINUTE + seconds * 1000, undone: false });
  world.changes.push(
    change(1, { type: 'Block', blockId: books.id, label: books.label, revision: 1, before: null, after: books.value }),
    change(2, { type: 'BlockRenamed', blockId: projects.id, before: 'plans', after: 'projects' }),
    change(3, { type: 'BlockRemoved', blockId: trip.id, agentId: ada.id, label: trip.label, text: trip.value }),
  );
  return world;
}

/** Someone who has given their name and said nothing yet. */
export function quietWorld(nowMs: number): World {
  const world = emptyWorld();
  world.profile = { ...world.profile, firstStart: false, userName: 'Nick' };
  const ada = agentOf('Ada', nowMs - MINUTE, { lastMessageAtMs: null });
  world.agents.push(ada);
  world.blocks.push(
    blockOf(ada, 'human', 'Name: Nick', nowMs - MINUTE, { description: 'What Ada knows about you.' }),
    blockOf(ada, 'persona', 'I am Ada. I am concise, warm and exact.', nowMs - MINUTE, { description: 'Who Ada is.' }),
  );
  return world;
}
