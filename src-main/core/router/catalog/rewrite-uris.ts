import { findMember, readElements, readString, type Span } from '#base/json-head.ts'
import type { Replacement } from '#base/splice.ts'

/** The alias that stands for a URI of a server, or undefined when it stays as it is. */
export type ToAlias = (uri: string) => string | undefined

/**
 * What to put in place of a server's own URIs in a result (contents, content blocks, prompt messages), so that a
 * client sees the aliases that it knows. Blocks that are no resource, and data of tools, stay as they are.
 */
export function findUriRewrites(bytes: Buffer, result: Span | undefined, toAlias: ToAlias): Replacement[] {
  const places = [
    ...readElements(bytes, findMember(bytes, result, 'contents')),
    ...readElements(bytes, findMember(bytes, result, 'content')).flatMap((block) => toPlaces(bytes, block)),
    ...readElements(bytes, findMember(bytes, result, 'messages')).flatMap((message) => {
      const content = findMember(bytes, message, 'content')
      const blocks = content === undefined ? [] : [content, ...readElements(bytes, content)]
      return blocks.flatMap((block) => toPlaces(bytes, block))
    }),
  ]
  return places.flatMap((place) => rewriteUri(bytes, place, toAlias))
}

/** What to put in place of the `uri` of one object. */
export function rewriteUri(bytes: Buffer, place: Span | undefined, toAlias: ToAlias): Replacement[] {
  const span = findMember(bytes, place, 'uri')
  const uri = readString(bytes, span)
  const alias = uri === undefined ? undefined : toAlias(uri)
  return span === undefined || alias === undefined
    ? []
    : [{ span, bytes: Buffer.from(JSON.stringify(alias)) }]
}

/** A content block: itself when it is a link, the resource in it when one is embedded. */
function toPlaces(bytes: Buffer, block: Span): Span[] {
  const type = readString(bytes, findMember(bytes, block, 'type'))
  if (type === 'resource_link') return [block]
  const resource = type === 'resource' ? findMember(bytes, block, 'resource') : undefined
  return resource === undefined ? [] : [resource]
}
