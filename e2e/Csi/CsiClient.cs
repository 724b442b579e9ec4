using System.Globalization;
using System.Text.Json;
using Csi.V1;
using CsiThin.EndToEnd.Support;
using CsiThin.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Xunit;

namespace CsiThin.EndToEnd.Csi;

/// <summary>
/// Calls of CSI, or of the engine's own API, through csi_client.py, wherever that runs: a line of JSON for each call and each answer.
/// </summary>
internal abstract class CsiClient
{
    /// <summary>The package of CSI.</summary>
    protected const string CsiPackage = "csi.v1";

    /// <summary>The package of the engine's API.</summary>
    protected const string EnginePackage = "csithin.v1";

    private readonly string _package;

    /// <summary>Calls services of a package.</summary>
    protected CsiClient(string package = CsiPackage) => _package = package;

    /// <summary>The Python that has Debian's modules.</summary>
    public const string Interpreter = "/usr/bin/python3";

    /// <summary>The client.</summary>
    public static string Script { get; } = Path.Combine(AppContext.BaseDirectory, "Csi", "csi_client.py");

    /// <summary>One call; returns the code's name, the message and the response, as proto3 has it in JSON.</summary>
    public (string Code, string Message, JsonElement Response) Call(string method, object request, double timeoutSeconds = 60) =>
        Read(Exchange(Question(method, request, timeoutSeconds)));

    /// <summary>A call that must succeed.</summary>
    public JsonElement Ok(string method, object request)
    {
        var (code, message, response) = Call(method, request);
        Assert.True(code == "OK", $"{method}: {code} {message}");
        return response;
    }

    /// <summary>A number of an answer: in proto3's JSON those of 64 bits are strings, and zero is left out.</summary>
    public static long Number(JsonElement answer, string field) => !answer.TryGetProperty(field, out var value) ? 0
        : value.ValueKind == JsonValueKind.String ? long.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetInt64();

    /// <summary>A call that must end with the code; returns its message.</summary>
    public string Refused(string expectedCode, string method, object request)
    {
        var (code, message, _) = Call(method, request);
        Assert.True(code == expectedCode, $"{method}: {code} {message}");
        return message;
    }

    /// <summary>What is asked of the client.</summary>
    protected string Question(string method, object request, double timeoutSeconds = 60) =>
        JsonSerializer.Serialize(new { method = $"/{_package}.{method}", request, timeout = timeoutSeconds });

    /// <summary>What it has answered.</summary>
    protected static (string Code, string Message, JsonElement Response) Read(string answer)
    {
        var root = JsonDocument.Parse(answer).RootElement;
        return (
            root.GetProperty("code").GetString()!,
            root.GetProperty("message").GetString() ?? "",
            root.TryGetProperty("response", out var response) ? response : default);
    }

    /// <summary>Sends one line to the client and returns the line it answers.</summary>
    protected abstract string Exchange(string question);

    /// <summary>Writes the descriptors of both APIs into a file of the directory and returns its path.</summary>
    protected static string WriteDescriptors(TempDirectory directory)
    {
        var path = directory.File($"csi-{Guid.NewGuid():N}.pb");
        File.WriteAllBytes(path, Descriptors(CsiReflection.Descriptor, EngineReflection.Descriptor));
        return path;
    }

    private static byte[] Descriptors(params FileDescriptor[] files)
    {
        var set = new FileDescriptorSet();
        void Add(FileDescriptor one)
        {
            foreach (var dependency in one.Dependencies)
                Add(dependency);
            var proto = one.ToProto();
            if (!set.File.Any(known => known.Name == proto.Name))
                set.File.Add(proto);
        }

        Array.ForEach(files, Add);
        return set.ToByteArray();
    }
}
