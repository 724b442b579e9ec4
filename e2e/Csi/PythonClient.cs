using System.Diagnostics;
using System.Text.Json;
using Csi.V1;
using CsiThin.EndToEnd.Support;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Xunit;

namespace CsiThin.EndToEnd.Csi;

/// <summary>
/// A gRPC client that is not ours: Debian's python3-grpcio, fed with calls as JSON. Messages come to it as descriptors, not as code.
/// </summary>
internal sealed class PythonClient : IDisposable
{
    private readonly Process _process;

    /// <summary>Connects to the socket when first called.</summary>
    public PythonClient(TempDirectory directory, string socketPath)
    {
        var descriptors = directory.File($"csi-{Guid.NewGuid():N}.pb");
        File.WriteAllBytes(descriptors, Descriptors(CsiReflection.Descriptor));
        var script = System.IO.Path.Combine(AppContext.BaseDirectory, "Csi", "csi_client.py");
        // Not "python3" by PATH: the packages are those of the system's own Python.
        var start = new ProcessStartInfo("/usr/bin/python3", [script, descriptors, socketPath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("python3 did not start");
    }

    /// <summary>One call; returns the code's name, the message and the response, as proto3 has it in JSON.</summary>
    public (string Code, string Message, JsonElement Response) Call(string method, object request, double timeoutSeconds = 60)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(new { method = $"/csi.v1.{method}", request, timeout = timeoutSeconds }));
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the client died");
        var answer = JsonDocument.Parse(line).RootElement;
        return (
            answer.GetProperty("code").GetString()!,
            answer.GetProperty("message").GetString() ?? "",
            answer.TryGetProperty("response", out var response) ? response : default);
    }

    /// <summary>A call that must succeed.</summary>
    public JsonElement Ok(string method, object request)
    {
        var (code, message, response) = Call(method, request);
        Assert.True(code == "OK", $"{method}: {code} {message}");
        return response;
    }

    /// <summary>A call that must end with the code; returns its message.</summary>
    public string Refused(string expectedCode, string method, object request)
    {
        var (code, message, _) = Call(method, request);
        Assert.True(code == expectedCode, $"{method}: {code} {message}");
        return message;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static byte[] Descriptors(FileDescriptor file)
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

        Add(file);
        return set.ToByteArray();
    }
}
