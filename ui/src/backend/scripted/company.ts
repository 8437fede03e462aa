/**
 * Agents that work together: two groups that talked, one agent that told another something, a block that three share, and
 * an agent whose memory is tidied. And the same with far too much of everything.
 */
import type { AgentView, GroupView, MessageView, TurnView } from '../generated';
import { agentOf, blockOf, byAgent, DAY, emptyWorld, groupOf, HOUR, messageOf, MINUTE, turnOf, type World } from './world';

const LONG_NAME = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenxx';

/** Records one thing said, in the thread of one agent. */
function say(world: World, agent: AgentView, atMs: number, role: MessageView['role'], content: string, changes: Partial<MessageView> = {}): MessageView {
  const turn: TurnView = turnOf(agent, atMs);
  const message = messageOf(turn, world.messages.length + 1, role, content, { createdAtMs: atMs, ...changes });
  world.turns.push(turn);
  world.messages.push(message);
  agent.lastMessageAtMs = atMs;
  return message;
}

/** What one says in a group, and all the others hear. */
function sayInGroup(world: World, group: GroupView, by: AgentView | null, members: readonly AgentView[], atMs: number, content: string): void {
  const [first] = members;
  if (!first) return;
  const said = by
    ? say(world, by, atMs, 'Assistant', content, { groupId: group.id })
    : say(world, first, atMs, 'User', content, { groupId: group.id });
  for (const other of members) {
    if (other.id === said.agentId) continue;
    const sender = by ? { senderId: by.id, name: by.name } : {};
    say(world, other, atMs, 'User', content, { groupId: group.id, originId: said.id, ...sender });
  }
  group.lastMessageAtMs = atMs;
}

export function companyWorld(nowMs: number): World {
  const world = emptyWorld();
  world.profile = { ...world.profile, firstStart: false, userName: 'Nick' };
  const [ada, ida, bo, mona, tidier] = ['Ada', 'Ida', 'Bo', 'Mona', 'Ada-sleeptime'].map((name) => agentOf(name, nowMs - 20 * DAY)) as [AgentView, AgentView, AgentView, AgentView, AgentView];
  world.agents.push(ada, ida, bo, mona, tidier);
  tidier.description = 'Tidies the memory of Ada.';
  tidier.lastMessageAtMs = nowMs - 2 * HOUR;

  const garden = groupOf('RoundRobin', 'The kitchen garden', [ida.id, bo.id], nowMs - 9 * DAY);
  const trip = groupOf('Supervisor', 'Plan the trip to Bergen', [ada.id, bo.id], nowMs - 5 * DAY, { managerId: mona.id });
  const tidying = groupOf('Sleeptime', tidier.description, [tidier.id], nowMs - 9 * DAY, { managerId: ada.id, everyTurns: 5, waitingTurns: 3 });
  world.groups.push(garden, trip, tidying);

  say(world, ida, nowMs - 2 * DAY, 'User', 'Which beans did we have last year?');
  say(world, ida, nowMs - 2 * DAY, 'Assistant', 'Runner beans, along the south wall. They did well until August.');
  const at = nowMs - 3 * HOUR;
  for (const agent of [ida, bo]) say(world, agent, at - 1000, 'System', 'You are now in a group with the user.', { name: 'company', groupId: garden.id });
  sayInGroup(world, garden, null, [ida, bo], at, 'What shall we sow this month?');
  sayInGroup(world, garden, ida, [ida, bo], at + MINUTE, 'Broad beans and peas: both stand a cold night. I would leave the runner beans until **May**.');
  sayInGroup(world, garden, bo, [ida, bo], at + 2 * MINUTE, 'I agree with Ida on the peas. Two things from my side:\n\n- the bed by the shed is still wet\n- we have seed for one row only');
  sayInGroup(world, garden, null, [ida, bo], at + 30 * MINUTE, 'Good. And where?');
  sayInGroup(world, garden, ida, [ida, bo], at + 31 * MINUTE, 'Along the south wall, where the beans were.');
  sayInGroup(world, garden, bo, [ida, bo], at + 32 * MINUTE, 'Not the same place twice, please. The bed by the path is free.');

  say(world, ida, nowMs - 20 * MINUTE, 'System', 'Bo, another agent of the user, asks you something.', { name: 'company' });
  const asked = say(world, ida, nowMs - 20 * MINUTE, 'User', 'When is the last frost, as a rule?', { senderId: bo.id, name: 'Bo' });
  world.messages.push(messageOf({ ...turnOf(ida, nowMs - 19 * MINUTE), id: asked.turnId ?? '' }, world.messages.length + 1, 'Assistant', 'Around 20 May. I would not plant out before.', { createdAtMs: nowMs - 19 * MINUTE }));

  const seeds = blockOf(ida, 'garden', 'Beds: south wall, by the path, by the shed (wet).\nSeed: peas, one row; broad beans.', nowMs - 3 * HOUR, {
    agentIds: [ida.id, bo.id, ada.id],
    revision: 4,
    provenance: byAgent(bo, 'memory_insert'),
  });
  const human = blockOf(ada, 'human', 'Name: Nick\nLives in Oslo, moves to Bergen in January.\nLives in Oslo, moves to Bergen in January.', nowMs - 2 * HOUR, {
    agentIds: [ada.id, tidier.id],
    revision: 6,
    provenance: byAgent(tidier, 'memory_rethink'),
  });
  world.blocks.push(human, seeds, blockOf(ida, 'human', 'Name: Nick', nowMs - 9 * DAY), blockOf(bo, 'human', 'Name: Nick', nowMs - 9 * DAY), blockOf(mona, 'human', 'Name: Nick', nowMs - 9 * DAY));
  say(world, ada, nowMs - 4 * DAY, 'User', 'We sign for the new flat on Thursday.');
  say(world, ada, nowMs - 4 * DAY, 'Assistant', 'Good. I will keep in mind that you sign on Thursday.');
  say(world, tidier, nowMs - 2 * HOUR, 'System', 'This was said between Ada and its user since you last looked:\n\nUser: We sign on Thursday.', { name: 'sleeptime' });
  return world;
}

/** Thirty groups; one of fifty agents, in which two thousand things were said. */
export function crowdedWorld(nowMs: number): World {
  const world = emptyWorld();
  world.profile = { ...world.profile, firstStart: false, userName: 'Nick' };
  const names = [LONG_NAME, 'مساعدي الشخصي', '🦊 Fox with a long name that needs an ellipsis'];
  const agents = Array.from({ length: 51 }, (_, at) => agentOf(names[at] ?? `Agent ${at}`, nowMs - 90 * DAY));
  world.agents.push(...agents);
  const [leader, ...members] = agents;
  if (!leader) return world;
  const ids = members.map((member) => member.id);
  const long = `${LONG_NAME} and everything that has to be thought of before the winter, from the boiler to the boats. `;
  for (let at = 0; at < 30; at += 1) {
    const kind = at % 3 === 0 ? 'Dynamic' : at % 3 === 1 ? 'Supervisor' : 'RoundRobin';
    const group = groupOf(kind, at === 0 ? long.repeat(3) : at === 1 ? '' : `Group ${at}`, at === 0 ? ids : ids.slice(at, at + 3), nowMs - 60 * DAY);
    if (kind !== 'RoundRobin') group.managerId = leader.id;
    world.groups.push(group);
  }
  const [group] = world.groups;
  for (let at = 0; group && at < 2000; at += 1) {
    const by = at % 8 === 0 ? null : members[at % members.length];
    const content = at % 7 === 0 ? `${'A longer thought about the boats. '.repeat(12)}\n\n- one\n- two` : `Word ${at}.`;
    const holder = by ?? leader;
    say(world, holder, nowMs - (2000 - at) * 9 * MINUTE, by ? 'Assistant' : 'User', content, { groupId: group.id });
    group.lastMessageAtMs = nowMs - 9 * MINUTE;
  }
  world.blocks.push(
    blockOf(leader, 'human', 'Name: Nick', nowMs - DAY, { agentIds: agents.map((agent) => agent.id) }),
    blockOf(leader, 'boats', 'Three of them.', nowMs - DAY, { agentIds: agents.slice(0, 3).map((agent) => agent.id), provenance: byAgent(agents[1] ?? leader, 'memory_insert'), revision: 2 }),
  );
  return world;
}
