/**
 * The scripted backend's answers for groups and for memory that is tidied, with the refusals of the real one.
 */
import type { AgentView, GroupView } from '../generated';
import type { GroupRunner } from './groupRunner';
import { found, refuse, type Handlers, type Stage } from './handlers';
import { agentOf, groupOf } from './world';

type GroupMethod =
  | 'listGroups' | 'createGroup' | 'updateGroup' | 'deleteGroup' | 'sendToGroup' | 'listGroupMessages' | 'cancelGroup'
  | 'setSleeptime' | 'tidyNow';

function check(group: GroupView): void {
  const numbers = [group.maxTurns, group.everyTurns].filter((number) => number !== null);
  if (group.agentIds.length === 0) refuse('Invalid', 'A group needs at least one agent.');
  if (new Set(group.agentIds).size < group.agentIds.length) refuse('Invalid', 'An agent can be in a group once.');
  if (group.kind !== 'RoundRobin' && group.managerId === null) refuse('Invalid', 'Say which agent leads the group.');
  if (group.managerId !== null && group.agentIds.includes(group.managerId)) {
    refuse('Invalid', 'The agent that leads a group is not one of those whom it leads.');
  }
  if (numbers.some((number) => number < 1 || number > 1000)) refuse('Invalid', 'Numbers of turns are between 1 and 1,000.');
}

export function groupHandlers({ world, log, nowMs }: Stage, runner: GroupRunner): Pick<Handlers, GroupMethod> {
  const groupOfId = (id: string): GroupView => found(world.groups.find((group) => group.id === id), 'group');
  const changed = (group: GroupView): GroupView => {
    log.emit({ type: 'GroupsChanged' });
    return { ...group };
  };
  return {
    listGroups: () => world.groups.map((group) => ({ ...group })),
    createGroup: ({ kind, description, agentIds, managerId, maxTurns }) => {
      const group = groupOf(kind, description, agentIds, nowMs(), { managerId: managerId ?? null, maxTurns: maxTurns ?? null });
      check(group);
      world.groups.push(group);
      return changed(group);
    },
    updateGroup: ({ groupId, ...changes }) => {
      const group = groupOfId(groupId);
      const wanted = { ...group, ...Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== undefined)) };
      check(wanted);
      return changed(Object.assign(group, wanted));
    },
    deleteGroup: ({ groupId }) => {
      runner.cancel(groupOfId(groupId).id);
      world.groups = world.groups.filter((group) => group.id !== groupId);
      log.emit({ type: 'GroupsChanged' });
      return {};
    },
    sendToGroup: ({ groupId, text }) => {
      const group = groupOfId(groupId);
      if (text.trim() === '') refuse('Invalid', 'There is nothing to send.');
      if (group.running) refuse('Conflict', 'The group is talking.', 'Wait until it is done, or stop it.');
      runner.begin(group, text);
      return { ...group };
    },
    listGroupMessages: ({ groupId, beforeSeq = Infinity, limit }) => {
      const said = world.messages
        .filter((message) => message.groupId === groupId && message.originId === undefined && message.seq < beforeSeq)
        .filter((message) => (message.role === 'User' || message.role === 'Assistant') && message.content !== '')
        .toSorted((a, b) => a.seq - b.seq);
      return { messages: said.slice(-limit), hasMoreBefore: said.length > limit };
    },
    cancelGroup: ({ groupId }) => {
      runner.cancel(groupId);
      return {};
    },
    setSleeptime: ({ agentId, enabled, everyTurns }) => {
      const agent = found(world.agents.find((candidate) => candidate.id === agentId), 'agent');
      let group = world.groups.find((candidate) => candidate.kind === 'Sleeptime' && candidate.managerId === agentId) ?? null;
      let agents: AgentView[] = world.agents.filter((candidate) => group?.agentIds.includes(candidate.id));
      if (enabled && group === null) {
        const tidier = agentOf(`${agent.name}-sleeptime`, nowMs(), { lastMessageAtMs: null, description: `Tidies the memory of ${agent.name}.` });
        world.agents.push(tidier);
        for (const block of world.blocks) if (block.agentIds.includes(agentId)) block.agentIds.push(tidier.id);
        group = groupOf('Sleeptime', tidier.description, [tidier.id], nowMs(), { managerId: agentId, everyTurns: 5 });
        agents = [tidier];
        world.groups.push(group);
      }
      if (enabled && group !== null && everyTurns !== undefined) {
        check({ ...group, everyTurns });
        group.everyTurns = everyTurns;
      }
      if (!enabled) {
        for (const tidier of agents) tidier.deletedAtMs = nowMs();
        world.groups = world.groups.filter((candidate) => candidate !== group);
        [group, agents] = [null, []];
      }
      log.emit({ type: 'GroupsChanged' });
      log.emit({ type: 'AgentsChanged' });
      return { group: group && { ...group }, agents: agents.map((tidier) => ({ ...tidier })) };
    },
    tidyNow: ({ groupId }) => {
      const group = groupOfId(groupId);
      if (group.running) refuse('Conflict', 'The memory is being tidied.', 'Wait until it is done, or stop it.');
      runner.tidy(group);
      return { ...group };
    },
  };
}
