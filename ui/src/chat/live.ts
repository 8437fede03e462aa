/**
 * A turn while it runs: the phase that it is in and what its open steps have written so far.
 *
 * Pure: events in, a new value out. What is recorded as a message replaces what was streamed for its step.
 */
import type { EventKind } from '../backend/generated';

export type Phase =
  | { kind: 'waiting' }
  | { kind: 'loading'; name: string }
  | { kind: 'reading'; tokens: number; of: number }
  | { kind: 'searching'; query: string }
  | { kind: 'writing' };

export interface LiveCall {
  index: number;
  name: string;
  argumentsText: string;
}

export interface LiveStep {
  id: string;
  text: string;
  thoughts: string;
  calls: readonly LiveCall[];
}

export interface LiveTurn {
  turnId: string;
  phase: Phase;
  steps: readonly LiveStep[];
  stopping: boolean;
}

export function newLiveTurn(turnId: string): LiveTurn {
  return { turnId, phase: { kind: 'waiting' }, steps: [], stopping: false };
}

function changeStep(live: LiveTurn, stepId: string, change: (step: LiveStep) => LiveStep): LiveTurn {
  const known = live.steps.some((step) => step.id === stepId);
  const steps = known ? live.steps : [...live.steps, { id: stepId, text: '', thoughts: '', calls: [] }];
  return {
    ...live,
    phase: { kind: 'writing' },
    steps: steps.map((step) => (step.id === stepId ? change(step) : step)),
  };
}

function changeCall(step: LiveStep, index: number, name: string, delta: string): LiveStep {
  const known = step.calls.some((call) => call.index === index);
  const calls = known ? step.calls : [...step.calls, { index, name, argumentsText: '' }];
  return {
    ...step,
    calls: calls.map((call) =>
      call.index === index ? { ...call, name: name || call.name, argumentsText: call.argumentsText + delta } : call,
    ),
  };
}

/** The turn after something that happened in it. */
export function advance(live: LiveTurn, what: EventKind): LiveTurn {
  switch (what.type) {
    case 'ModelLoading':
      return { ...live, phase: { kind: 'loading', name: what.name } };
    case 'PromptReading':
      return { ...live, phase: { kind: 'reading', tokens: what.tokens, of: what.of } };
    case 'Searching':
      return { ...live, phase: { kind: 'searching', query: what.query } };
    case 'TextDelta':
      return changeStep(live, what.stepId, (step) => ({ ...step, text: step.text + what.text }));
    case 'ThoughtsDelta':
      return changeStep(live, what.stepId, (step) => ({ ...step, thoughts: step.thoughts + what.text }));
    case 'ToolCallDelta':
      return changeStep(live, what.stepId, (step) => changeCall(step, what.index, what.name, what.argumentsDelta));
    case 'MessageRecorded': {
      const { role, stepId } = what.message;
      if (role !== 'Assistant') return live;
      return { ...live, steps: live.steps.filter((step) => step.id !== stepId), phase: { kind: 'waiting' } };
    }
    case 'StepEnded':
      return { ...live, steps: live.steps.filter((step) => step.id !== what.step.id) };
    case 'Gap':
    case 'TurnStarted':
    case 'MemoryChanged':
    case 'MemoryChangeMarked':
    case 'MemoryPressure':
    case 'Compacted':
    case 'TurnEnded':
    case 'Failed':
    case 'AgentsChanged':
    case 'GroupsChanged':
    case 'GroupSpeaking':
    case 'BlocksChanged':
    case 'PassagesChanged':
    case 'MessagesChanged':
    case 'ModelsChanged':
    case 'SettingsChanged':
    case 'Embedding':
      return live;
  }
}
