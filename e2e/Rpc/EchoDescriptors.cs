using CsiThin.Driver.Tests.Rpc;
using CsiThin.EndToEnd.Support;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CsiThin.EndToEnd.Rpc;

/// <summary>echo.proto for programs that are not ours.</summary>
internal static class EchoDescriptors
{
    /// <summary>Debian's own Python, whose packages the scripts use; another one may come first on the PATH.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>Writes the descriptor set, and returns its path.</summary>
    public static string Write(TempDirectory directory)
    {
        var path = directory.File("echo.pb");
        File.WriteAllBytes(path, new FileDescriptorSet { File = { EchoReflection.Descriptor.ToProto() } }.ToByteArray());
        return path;
    }

    /// <summary>The path of a script of this folder.</summary>
    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Rpc", name);
}
