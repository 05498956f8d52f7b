"""Unmodified PyPI `atproto`: reads a question (JSON) from standard input, writes what the clients found out.

The process's environment aims its HTTPS (HTTPS_PROXY, SSL_CERT_FILE); dnspython's default resolver is aimed here.
"""

import asyncio
import json
import sys

import dns.asyncresolver
import dns.resolver
from atproto import AsyncIdResolver, Client, IdResolver, exceptions


def aim_dns(address):
    host, port = address.split(':')
    for module, kind in ((dns.resolver, dns.resolver.Resolver), (dns.asyncresolver, dns.asyncresolver.Resolver)):
        resolver = kind(configure=False)
        resolver.nameservers, resolver.port = [host], int(port)
        module.default_resolver = resolver


def asked(call):
    try:
        return call()
    except exceptions.RequestErrorBase as error:
        content = error.response.content
        return {'status': error.response.status_code, 'error': content.error, 'message': content.message}


def through_namesake(url, question):
    identity = Client(base_url=url).com.atproto.identity
    return {
        'handles': {h: asked(lambda h=h: identity.resolve_handle({'handle': h}).did) for h in question['handles']},
        'dids': {d: asked(lambda d=d: identity.resolve_did({'did': d}).did_doc['id']) for d in question['dids']},
        'identities': {d: asked(lambda d=d: identity.resolve_identity({'identifier': d}).handle) for d in question['dids']},
    }


def document(doc):
    return doc and {'id': doc.id, 'handle': doc.get_handle(), 'pds': doc.get_pds_endpoint(), 'key': doc.get_did_key()}


def by_itself(plc_url, question):
    resolver = IdResolver(plc_url=plc_url)
    return {
        'handles': {h: resolver.handle.resolve(h) for h in question['handles']},
        'documents': {d: document(resolver.did.resolve(d)) for d in question['dids']},
    }


async def by_itself_async(plc_url, question):
    resolver = AsyncIdResolver(plc_url=plc_url)
    return {
        'handles': {h: await resolver.handle.resolve(h) for h in question['handles']},
        'documents': {d: document(await resolver.did.resolve(d)) for d in question['dids']},
    }


question = json.load(sys.stdin)
aim_dns(question['nameserver'])
json.dump(
    {
        'namesake': through_namesake(question['namesake'], question),
        'sync': by_itself(question['plc'], question),
        'async': asyncio.run(by_itself_async(question['plc'], question)),
    },
    sys.stdout,
)
