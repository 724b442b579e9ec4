using CsiThin.Core.Pool;

namespace CsiThin.Driver.Kube.Declared;

/// <summary>
/// All devices that the declarations of this node mean, each opened once, so that every choice rests on the same look. What is in use
/// (mounted, swapped on, held, itself or a partition of it) cannot be opened for us alone, so the system disk never comes into question.
/// </summary>
internal sealed class DeviceSurvey
{
    private readonly IBlockDevices _devices;
    private readonly Dictionary<string, SurveyedDevice> _byKernelName = [];
    private readonly Dictionary<string, (IReadOnlyList<SurveyedDevice> Devices, IReadOnlyList<string> Refusals)> _byPool = [];

    /// <summary>Looks.</summary>
    public DeviceSurvey(IBlockDevices devices, IEnumerable<PoolDeclaration> declarations)
    {
        _devices = devices;
        var candidates = new DeviceCandidates(devices);
        foreach (var declaration in declarations)
        {
            var refusals = new List<string>();
            var found = candidates.Find(declaration, refusals).Select(one => Inspect(one.Path, one.Facts)).ToList();
            _byPool.Add(declaration.Name, (found, refusals));
        }
    }

    /// <summary>The devices that this declaration means, and why others of its paths do not come into question.</summary>
    public (IReadOnlyList<SurveyedDevice> Devices, IReadOnlyList<string> Refusals) Of(PoolDeclaration declaration) =>
        _byPool[declaration.Name];

    /// <summary>
    /// The paths of all devices that hold a pool, whoever has them. More than one: somebody has copied the disk. The members of an md or
    /// device-mapper device show what it shows, and are no copies.
    /// </summary>
    public IReadOnlyList<string> Holding(Guid pool) =>
        [.. _byKernelName.Values.Where(one => one.Content?.PoolUuid == pool && !one.Facts.IsMember).Select(one => one.Path)];

    private SurveyedDevice Inspect(string path, BlockDeviceFacts facts)
    {
        if (!_byKernelName.TryGetValue(facts.KernelName, out var known))
            _byKernelName.Add(facts.KernelName, known = InspectNow(new SurveyedDevice(path, facts)));
        return known with { Path = path };
    }

    private SurveyedDevice InspectNow(SurveyedDevice device)
    {
        try
        {
            return device with { Content = _devices.Inspect(device.Path) };
        }
        catch (PoolException failure)
        {
            var isNamed = failure.Message.StartsWith(device.Path, StringComparison.Ordinal);
            return device with { Failure = isNamed ? failure.Message : $"{device.Path}: {failure.Message}" };
        }
    }
}
