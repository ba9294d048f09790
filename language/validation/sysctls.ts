// `sysctl NAME = value`: a name of the modelled kernel, and a value that it takes.
import { constantOf } from '../constant-value.ts';
import type { SysctlSetting } from '../generated/ast.ts';
import { nearestFew } from '../near.ts';
import type { Value } from '../runtime/values.ts';
import { SYSCTLS } from '../vocabulary/sysctls.ts';
import type { Sysctl } from '../vocabulary/sysctls.ts';
import type { CheckContext } from './context.ts';
import { checkConstant } from './pure.ts';

export function checkSysctl(setting: SysctlSetting, context: CheckContext): void {
  if (setting.value === undefined) return;
  const isConstant = checkConstant(setting.value, 'The value of a sysctl', context);
  const message = sysctlNameProblem(setting.name);
  if (message !== undefined) return context.error(setting, message, 'name');
  const sysctl = SYSCTLS[setting.name]!;
  if (sysctl.readOnly) return context.error(setting, `\`${setting.name}\` can only be read.`, 'name');
  const value = constantOf(setting.value, context.constants);
  if (isConstant && value !== undefined) checkValue(setting, sysctl, value, context);
}

/** What is wrong with the name of a sysctl; it lists the near ones. */
export function sysctlNameProblem(name: string): string | undefined {
  if (Object.hasOwn(SYSCTLS, name)) return undefined;
  const names = Object.keys(SYSCTLS);
  const alike = names.filter((known) => lastPart(known) === lastPart(name) || (name.length > 3 && known.includes(name)));
  const near = [...new Set([...nearestFew(name, names, 3), ...alike])];
  if (near.length > 0) return `There is no sysctl \`${name}\`. Near it are: ${near.join(', ')}.`;
  return `There is no sysctl \`${name}\` in the modelled kernel. Known are: ${names.join(', ')}.`;
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function checkValue(setting: SysctlSetting, sysctl: Sysctl, value: Value, context: CheckContext): void {
  const items = Array.isArray(value) ? value : [value];
  if (Array.isArray(value) && sysctl.length === 1) return context.error(setting, `\`${setting.name}\` takes one number, not a list.`, 'value');
  if (items.length !== sysctl.length) return context.error(setting, `\`${setting.name}\` takes a list of ${sysctl.length} numbers, as in \`[${String(sysctl.default).replaceAll(',', ', ')}]\`.`, 'value');
  if (items.some((item) => !isInRange(item, sysctl))) context.error(setting, `\`${setting.name}\` takes numbers from ${sysctl.min} to ${sysctl.max}.`, 'value');
}

function isInRange(item: Value, { min, max }: Sysctl): boolean {
  const number = typeof item === 'boolean' ? Number(item) : item;
  return (typeof number === 'number' || typeof number === 'bigint') && number >= min && number <= max;
}
