import { describe, expect, it } from 'vitest';

import { bytes, characters, count, counted, duration, percent, short, windowSize } from './numbers';
import { ago, date, day, dayStart, isoDay, sameDay, time } from './times';

const NOON = new Date(2026, 2, 12, 12, 0).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('numbers', () => {
  it.each([
    [0, '0'],
    [214, '214'],
    [999, '999'],
    [1000, '1k'],
    [1874, '1.9k'],
    [9949, '9.9k'],
    [9950, '10k'],
    [20_000, '20k'],
    [999_499, '999k'],
    [999_500, '1M'],
    [1_240_000, '1.2M'],
  ])('shortens %d to %s', (value, text) => expect(short(value)).toBe(text));

  it.each([
    [8192, '8k'],
    [32_768, '32k'],
    [6000, '6k'],
    [512, '512'],
  ])('says a window of %d tokens as %s', (tokens, text) => expect(windowSize(tokens)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [98_362_432, '98 MB'],
    [1_107_000_000, '1.1 GB'],
    [999_700_000, '1 GB'],
  ])('gives %d bytes a unit', (value, text) => expect(bytes(value)).toBe(text));

  it.each([
    [840, '840 ms'],
    [1840, '1.8 s'],
    [42_000, '42 s'],
    [180_000, '3 min'],
  ])('gives %d ms a unit', (value, text) => expect(duration(value)).toBe(text));

  it('groups thousands and knows one from many', () => {
    expect(count(1_240)).toBe('1,240');
    expect(counted(1, 'passage')).toBe('1 passage');
    expect(counted(5000, 'passage')).toBe('5,000 passages');
  });

  it('counts characters as the store does, by Unicode scalar value', () => {
    expect(characters('héllo')).toBe(5);
    expect(characters('🦊')).toBe(1);
    expect(characters('👩‍👧')).toBe(3);
  });

  it('has no percent of nothing', () => expect(percent(3, 0)).toBe(0));
});

describe('times', () => {
  it.each([
    [0, 'now'],
    [59_000, 'now'],
    [2 * MINUTE, '2 min ago'],
    [59 * MINUTE, '59 min ago'],
    [3 * HOUR, '3 h ago'],
    [25 * HOUR, '11 March'],
    [400 * 24 * HOUR, '5 February 2025'],
  ])('%d ms ago reads %s', (passed, text) => expect(ago(NOON - passed, NOON)).toBe(text));

  it('names near days and dates far ones', () => {
    expect(day(NOON, NOON)).toBe('Today');
    expect(day(NOON - 24 * HOUR, NOON)).toBe('Yesterday');
    expect(day(NOON - 3 * 24 * HOUR, NOON)).toBe('Monday');
    expect(day(NOON - 20 * 24 * HOUR, NOON)).toBe('20 February');
    expect(date(NOON - 400 * 24 * HOUR, NOON)).toBe('5 February 2025');
  });

  it('compares calendar days, not spans of a day', () => {
    expect(sameDay(NOON, NOON + 11 * HOUR)).toBe(true);
    expect(sameDay(NOON, NOON + 12 * HOUR)).toBe(false);
    expect(time(NOON)).toBe('12:00');
  });

  it('reads a date field in local time and refuses anything else', () => {
    expect(dayStart('2026-03-12')).toBe(new Date(2026, 2, 12).getTime());
    expect(dayStart(isoDay(NOON))).toBe(new Date(2026, 2, 12).getTime());
    expect(dayStart('')).toBeNull();
    expect(dayStart('12.3.2026')).toBeNull();
  });
});
