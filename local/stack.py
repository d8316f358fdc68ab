"""The whole local stack: emulator, simulators, proxy, the deployed template, two businesses with a token each."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.aws import REGION, Aws
from local.carriers import Carriers, running_carriers
from local.deploy import Deployment, build, deploy
from local.emulator import running_emulator
from local.events import BusEvents, create_events_queue
from local.logs import new_log_folder, save_function_logs
from local.paths import TEMPLATE
from local.progress import Progress
from local.proxy import running_proxy
from local.schedule import hurried_schedules
from local.scratch import scratch_folder
from local.simulators.bandwidth import BandwidthSimulator
from local.simulators.twilio import TwilioSimulator
from local.simulators.vapi import VapiSimulator
from local.simulators.vonage import VonageSimulator
from local.tokens import access_token
from switchboard.store.clients import bind_client

STACK_NAME = "switchboard"
VAPI_API_KEY = "vapi-key-of-the-local-stack"
BUSINESSES = {"acme": "FirstClientId", "globex": "SecondClientId"}
"""Each business of the local stack, and the template's output that is its app client."""

AT_ONCE = 2
"""How many functions are started at the same time; more only get into each other's way."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack and how to reach its parts; good while `running_stack` runs."""

    api_url: str
    aws: Aws
    deployment: Deployment
    events_queue_url: str
    vapi: VapiSimulator
    carriers: Carriers
    logs: Path

    @property
    def twilio(self) -> TwilioSimulator:
        return self.carriers.twilio

    @property
    def vonage(self) -> VonageSimulator:
        return self.carriers.vonage

    @property
    def bandwidth(self) -> BandwidthSimulator:
        return self.carriers.bandwidth

    @property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the template."""
        return self.deployment.outputs

    def physical_id(self, logical_id: str) -> str:
        """What a resource of the processed template is called in the account."""
        cloudformation = self.aws.session.client("cloudformation", endpoint_url=self.aws.endpoint_url)
        found = cloudformation.describe_stack_resource(StackName=STACK_NAME, LogicalResourceId=logical_id)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def configure_carriers(self) -> None:
        """Puts each carrier's credentials into its secret, as an operator does after the deployment."""
        manager = self.aws.session.client("secretsmanager", endpoint_url=self.aws.endpoint_url)
        for secret, credentials in self.carriers.credentials.items():
            manager.put_secret_value(SecretId=self.physical_id(secret), SecretString=json.dumps(credentials))

    def client_id(self, business: str) -> str:
        return self.outputs[BUSINESSES[business]]

    def token(self, business: str, scopes: str | None = None) -> str:
        """A fresh token of a business, with all scopes or with those named (separated by blanks); good for an hour."""
        chosen = {} if scopes is None else {"scopes": scopes}
        return access_token(self.aws, self.outputs["UserPoolId"], self.client_id(business), **chosen)

    def http(self, business: str, scopes: str | None = None) -> httpx.Client:
        """An HTTP client of the API that acts for a business."""
        headers = {"Authorization": f"Bearer {self.token(business, scopes)}"}
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=60)

    def bus_events(self) -> BusEvents:
        """A reader of the queue that receives every event of the bus; two readers share out the events between them."""
        return BusEvents(self.aws.session.client("sqs", endpoint_url=self.aws.endpoint_url), self.events_queue_url)

    def new_assistant(self, name: str) -> str:
        """Makes an assistant at the simulated Vapi, as a business does in Vapi's Dashboard; gives its id."""
        headers = {"Authorization": f"Bearer {VAPI_API_KEY}"}
        assistant = {"name": name, "firstMessage": f"This is the {name.lower()}, how can I help?"}
        made = httpx.post(f"{self.vapi.url}/assistant", json=assistant, headers=headers).raise_for_status()
        return str(made.json()["id"])

    def warm_up(self, processes: int = 1, only: str = "") -> None:
        """Starts so many processes of each function with a route, or of the `only` one (`POST /vapi/{id}`)."""
        with self.http("acme") as client, ThreadPoolExecutor(max(processes, AT_ONCE)) as pool:
            for route in self.deployment.routes:
                if only not in ("", f"{route.method} {route.path}"):
                    continue
                path = route.path.replace("{", "").replace("}", "")
                for _ in range(processes):
                    pool.submit(client.request, route.method, path, json={})

    def as_json(self) -> dict[str, object]:
        """What `make local` writes to .local/stack.json for other programs to read."""
        return {
            "apiUrl": self.api_url,
            "tokens": {business: self.token(business) for business in BUSINESSES},
            "awsEndpointUrl": self.aws.endpoint_url,
            "region": REGION,
            "tableName": self.outputs["TableName"],
            "eventBusName": self.outputs["EventBusName"],
            "exportsBucketName": self.outputs["ExportsBucketName"],
            "eventsQueueUrl": self.events_queue_url,
            "vapiUrl": self.vapi.url,
            "vapiApiKey": VAPI_API_KEY,
            "twilioUrl": self.twilio.url,
            "vonageUrl": self.vonage.url,
            "bandwidthUrl": self.bandwidth.url,
            "stackName": STACK_NAME,
        }


@contextmanager
def running_stack(purpose: str) -> Iterator[Stack]:
    """Brings a stack of its own up, and takes it down whatever happens. `purpose` names its folder of logs.

    Stacks may run at the same time: each has its own ports and its own scratch folder.
    """
    logs = new_log_folder(purpose)
    progress = Progress(logs)
    with ExitStack() as parts:
        scratch = parts.enter_context(scratch_folder())
        with progress.step("Starting the emulator of AWS"):
            aws = parts.enter_context(running_emulator(scratch, logs / "emulator.log"))
        parts.callback(save_function_logs, aws, logs / "functions")
        with progress.step("Starting the simulators and the proxy"):
            carriers = parts.enter_context(running_carriers())
            vapi = parts.enter_context(VapiSimulator(api_key=VAPI_API_KEY, owners=carriers.owners))
            proxy = parts.enter_context(running_proxy())
        with progress.step("Building template.yaml (sam build)"):
            built = build(TEMPLATE, scratch / "build", logs / "build.log")
        with progress.step("Deploying it (sam deploy), IAM enforced"):
            parameters = {"PublicBaseUrl": proxy.url, "VapiBaseUrl": vapi.url, "VapiApiKey": VAPI_API_KEY}
            parameters |= carriers.parameters
            deployment = deploy(built, STACK_NAME, aws, parameters, logs / "deploy.log")
            proxy.upstream = f"{aws.endpoint_url}/_aws/execute-api/{deployment.outputs['ApiId']}/$default"
        with progress.step("Binding two businesses, configuring three carriers"):
            table = aws.session.resource("dynamodb", endpoint_url=aws.endpoint_url).Table(
                deployment.outputs["TableName"]
            )
            for business, output in BUSINESSES.items():
                bind_client(table, deployment.outputs[output], business)
            queue_url = create_events_queue(aws, deployment.outputs["EventBusName"])
            stack = Stack(proxy.url, aws, deployment, queue_url, vapi, carriers, logs)
            stack.configure_carriers()
        with progress.step("Starting each function once"):
            stack.warm_up()
            parts.enter_context(hurried_schedules(aws, deployment.schedules, logs / "schedules.log"))
        yield stack
