using System.Text.Json;
using System.Text.Json.Nodes;
using CsiThin.Driver.Tests.Kube.Server.Messages;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>
/// Bodies of requests and answers. Answers are JSON, which every client takes beside what it prefers; requests are JSON too, but for those
/// of client-go's typed clients (helm keeps its releases through one), which come as protobuf.
/// </summary>
internal static class ApiBody
{
    private const string Protobuf = "application/vnd.kubernetes.protobuf";

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>The object that a request carries; null where it carries nothing.</summary>
    public static async Task<JsonObject?> ReadAsync(HttpRequest request, CancellationToken ends)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, ends);
        if (body.Length == 0)
            return null;
        try
        {
            return TypeOf(request) == Protobuf ? FromProtobuf(body.ToArray()) : (JsonObject?)JsonNode.Parse(body.ToArray());
        }
        catch (Exception bad) when (bad is JsonException or InvalidProtocolBufferException)
        {
            throw new ApiProblem(400, "BadRequest", $"the body is no {TypeOf(request)}: {bad.Message}");
        }
    }

    /// <summary>The type of what a request carries, without its parameters.</summary>
    public static string TypeOf(HttpRequest request) => (request.ContentType ?? "").Split(';')[0].Trim();

    /// <summary>Whether there is a list of objects anywhere in it.</summary>
    public static bool HasListOfObjects(JsonNode? node) => node switch
    {
        JsonObject one => one.Any(pair => HasListOfObjects(pair.Value)),
        JsonArray list => list.Any(item => item is JsonObject),
        _ => false,
    };

    /// <summary>Answers with an object.</summary>
    public static async Task WriteAsync(HttpContext context, int code, JsonNode answer)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }

    private static JsonObject FromProtobuf(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Magic))
            throw new ApiProblem(400, "BadRequest", "the body does not begin as protobuf of Kubernetes does");
        var around = Unknown.Parser.ParseFrom(body[Magic.Length..]);
        IMessage inner = around.TypeMeta.Kind switch
        {
            "Secret" => Secret.Parser.ParseFrom(around.Raw),
            "Namespace" => Namespace.Parser.ParseFrom(around.Raw),
            "DeleteOptions" => DeleteOptions.Parser.ParseFrom(around.Raw),
            var other => throw new ApiProblem(415, "UnsupportedMediaType", $"this server reads no {other} as {Protobuf}"),
        };
        var value = (JsonObject)JsonNode.Parse(JsonFormatter.Default.Format(inner))!;
        value["apiVersion"] = around.TypeMeta.ApiVersion;
        value["kind"] = around.TypeMeta.Kind;
        return value;
    }
}
