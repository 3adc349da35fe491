import { roomier } from '../../acceptance/room';

describe('room for one pod more', () => {
  it('is what that pod asks for, in each amount that a quota counts', () => {
    const hard = {
      pods: '1',
      'requests.cpu': '990m',
      'requests.memory': '32Mi',
      'limits.memory': '1Gi',
      services: '4',
    };
    expect(roomier(hard, { cpu: '10m', memory: '48Mi' })).toEqual({
      pods: '2',
      'requests.cpu': '1',
      'requests.memory': '80Mi',
      'limits.memory': '1072Mi',
      services: '4',
    });
  });
});
