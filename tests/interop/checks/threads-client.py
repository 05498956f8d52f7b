"""Unmodified PyPI `threads-client`, its base URL aimed at the sandbox: reads a question (JSON), writes what it found out."""

import asyncio
import json
import sys

from threads_client.client import ThreadsClient
from threads_client.exceptions import ThreadsAPIError


async def main():
    question = json.load(sys.stdin)
    secret = question['secret']

    async with ThreadsClient(base_url=f'{question["sandbox"]}/v1.0') as client:

        async def asked(call):
            try:
                return (await call).model_dump()
            except ThreadsAPIError as error:
                return {'error': type(error).__name__, 'status': error.status_code}

        lasting = await asked(client.tokens.exchange(question['token'], secret))
        answers = {
            'lasting': lasting,
            'too_early': await asked(client.tokens.refresh(lasting['access_token'])),
            'wrong_secret': await asked(client.tokens.exchange(question['token'], 'another')),
            'made_up': await asked(client.tokens.exchange('made up', secret)),
        }
    json.dump(answers, sys.stdout)


asyncio.run(main())
