using System.Diagnostics;
using System.Text.Json;
using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Support;

namespace CsiThin.EndToEnd.Image;

/// <summary>
/// The Dockerfile's image, built once for all tests of it by <c>e2e/Image/build-image</c>, and containers of it.
/// </summary>
public sealed class BuiltImage : IDisposable
{
    /// <summary>What the image was told that it is.</summary>
    public const string Version = "9.9.9";

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(20);
    private readonly TempDirectory _directory = new();
    private readonly List<string> _containers = [];

    /// <summary>Builds it.</summary>
    public BuiltImage()
    {
        if (Environment.GetEnvironmentVariable("CSITHIN_IMAGE_DIRECTORY") is { Length: > 0 } kept)
            Storage = kept;
        else
            Storage = _directory.File("images");
        Log = Tool.RunWithin(BuildLimit, Script("build-image"), Storage, Version);
    }

    /// <summary>Where the images are; a developer may keep them with CSITHIN_IMAGE_DIRECTORY.</summary>
    public string Storage { get; }

    /// <summary>What the build printed.</summary>
    public string Log { get; }

    /// <summary>buildah on the images.</summary>
    public string Buildah(params string[] arguments) =>
        Tool.Run(Script("buildah"), [Storage, .. arguments]).Trim();

    /// <summary>What the image says of itself.</summary>
    public JsonElement Config() =>
        JsonDocument.Parse(Buildah("inspect", "--type", "image", $"localhost/csi-thin:{Version}")).RootElement
            .GetProperty("OCIv1").GetProperty("config");

    /// <summary>A container of an image, which goes with the tests.</summary>
    public string Container(string image)
    {
        var container = Buildah("from", image);
        _containers.Add(container);
        return container;
    }

    /// <summary>A container of the finished image.</summary>
    public string Container() => Container($"localhost/csi-thin:{Version}");

    /// <summary>Starts the image's own program in a container, as a user, with a directory of the host at the same path.</summary>
    internal Process Start(string container, string user, string directory, params string[] arguments)
    {
        string[] run = [Storage, "run", "--network", "host", "--user", user, "--volume", $"{directory}:{directory}", container, "--"];
        var start = new ProcessStartInfo(Script("buildah"), [.. run, "/usr/bin/csi-thin", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("buildah did not start");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var container in _containers)
            Buildah("rm", container);
        if (Storage.StartsWith(_directory.Path, StringComparison.Ordinal))
            Buildah("rmi", "--all", "--force");
        _directory.Dispose();
    }

    private static string Script(string name) => Path.Combine(SourceTree.Root, "e2e", "Image", name);
}
