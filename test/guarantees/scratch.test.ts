import { scratch } from '../../guarantees/scratch';
import { platformOf, pod, workload } from './objects';
import { causesOf } from './support';

const withVolume = (emptyDir: object) =>
  platformOf([workload('Deployment', {}, pod({ volumes: [{ name: 'tmp', emptyDir }] }))]);

test('a folder of the node needs a size', () => {
  expect(causesOf(scratch, withVolume({}))).toEqual([
    'Deployment app/x: volume tmp may grow until its node has no disk left',
  ]);
  expect(causesOf(scratch, withVolume({ medium: 'Memory' }))).toHaveLength(1);
  expect(causesOf(scratch, withVolume({ sizeLimit: '1Mi' }))).toEqual([]);
});
