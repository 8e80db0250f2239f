from handler import NAMES
from handler import Cars as Model
from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Cars(MLModel):
    async def load(self) -> bool:
        self._model = Model()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        columns = {one.name: StringCodec.decode_input(one) for one in payload.inputs}
        rows = [list(row) for row in zip(*(columns[name] for name in NAMES), strict=True)]
        output = StringCodec.encode_output("label", self._model.labels(rows))
        return InferenceResponse(model_name=self.name, outputs=[output])
