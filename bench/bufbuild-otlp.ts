import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Root } from 'protobufjs';
import descriptor, { type IDescriptorProto } from 'protobufjs/ext/descriptor.js';

/**
 * A message as protobuf-es knows it from the descriptor that its generated code would hold, made of definitions that protobufjs has
 * read. Names of types are absolute in descriptors; protobufjs writes them as they stand in the file.
 */
export const bufbuildMessage = (definitions: Root, typeName: string): DescMessage => {
  const set = definitions.toDescriptor('proto3') as unknown as {
    file: { package: string; messageType: IDescriptorProto[] }[];
  };
  for (const file of set.file) {
    const names = new Map<string, string>();
    eachMessage(file.messageType, `.${file.package}`, (message, name) => {
      names.set(String(message.name), name);
      for (const each of message.enumType ?? []) names.set(String(each.name), `${name}.${each.name}`);
    });
    eachMessage(file.messageType, '', ({ field }) => {
      for (const each of field ?? []) {
        const absolute = names.get(each.typeName ?? '');
        if (absolute !== undefined) each.typeName = absolute;
      }
    });
  }
  const bytes = descriptor.FileDescriptorSet.encode(set as never).finish();
  const message = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).getMessage(typeName);
  if (message === undefined) throw new Error(`the definitions have no ${typeName}`);
  return message;
};

const eachMessage = (
  messages: readonly IDescriptorProto[],
  within: string,
  visit: (message: IDescriptorProto, name: string) => void,
): void => {
  for (const message of messages) {
    const name = `${within}.${message.name}`;
    visit(message, name);
    eachMessage((message.nestedType ?? []) as IDescriptorProto[], name, visit);
  }
};
