import { lostOf, writtenIn } from '../../acceptance/drills/drill';

describe('what a writer noted during a drill', () => {
  it('is its numbers, and how long it stood still', () => {
    const written = writtenIn('1 100.00\n2 100.20\n7 109.70\n8 109.90\n');
    expect(written.acknowledged).toEqual(['1', '2', '7', '8']);
    expect(written.longestPause).toBeCloseTo(9.5);
    expect(writtenIn('')).toEqual({ acknowledged: [], longestPause: 0 });
  });

  it('is lost where it was acknowledged and is not there; what nobody acknowledged may be there', () => {
    const written = writtenIn('1 1.0\n2 2.0\n3 3.0');
    expect(lostOf(written, ['1', '2', '3', '4'])).toEqual([]);
    expect(lostOf(written, ['1', '3'])).toEqual(['2']);
    expect(lostOf(written, [''])).toEqual(['1', '2', '3']);
  });
});
