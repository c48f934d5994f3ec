import assert from 'node:assert/strict';
import test from 'node:test';
import { transform } from 'tidemill-plugin/testing';
import { splitWords } from './plugin.js';

test('words are lower case', () => {
  const { rows } = transform(splitWords, 'line: utf8', [{ line: 'To be' }]);
  assert.deepEqual(rows, [{ word: 'to' }, { word: 'be' }]);
});

test('a line with a long word is refused', () => {
  const { rows, rejects } = transform(splitWords, 'line: utf8', [{ line: `to ${'e'.repeat(65)}` }, { line: 'be' }]);
  assert.deepEqual(rows, [{ word: 'be' }]);
  assert.deepEqual(rejects, [[0, 'a word has 65 characters, at most 64 are allowed']]);
});
