"""Access tokens by the client-credentials grant, from the deployed user pool."""

import httpx

from local.aws import Aws

SCOPES = "phone-numbers/read phone-numbers/write phone-numbers/call"


def access_token(aws: Aws, user_pool_id: str, client_id: str, scopes: str = SCOPES) -> str:
    """A token for the app client, as its owner gets one: id and secret for a token that is good for an hour."""
    cognito = aws.session.client("cognito-idp", endpoint_url=aws.endpoint_url)
    client = cognito.describe_user_pool_client(UserPoolId=user_pool_id, ClientId=client_id)["UserPoolClient"]
    answer = httpx.post(
        f"{aws.endpoint_url}/oauth2/token",
        auth=(client_id, client["ClientSecret"]),
        data={"grant_type": "client_credentials", "scope": scopes},
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token
