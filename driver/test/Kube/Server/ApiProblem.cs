using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>A refusal, with the Status object that says it.</summary>
internal sealed class ApiProblem(int code, string reason, string message) : Exception(message)
{
    public int Code { get; } = code;

    public string Reason { get; } = reason;

    public static ApiProblem NotFound(ApiResource resource, string name) =>
        new(404, "NotFound", $"{resource.FullName} \"{name}\" not found");

    public static ApiProblem Expired() =>
        new(410, "Expired", "The provided resource version or continue parameter is too old");

    public static ApiProblem Conflict(ApiResource resource, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {resource.FullName} \"{name}\": {why}");

    public JsonObject ToStatus() => new()
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = Message,
        ["reason"] = Reason,
        ["code"] = Code,
    };
}
