import { messageIn } from '../../acceptance/drills/alerts';

describe('messages that the platform prints', () => {
  it('are read line by line, and other lines are none', () => {
    const message = {
      receiver: 'data-page',
      status: 'firing',
      labels: { alertname: 'RedisNoMaster' },
      summary: 'Redis cache has 0 masters',
      runbook: 'https://git.example.com/RedisNoMaster.md',
    };
    expect(messageIn(JSON.stringify(message))).toEqual([message]);
    expect(messageIn('Traceback (most recent call last):')).toEqual([]);
    expect(messageIn('')).toEqual([]);
  });
});
