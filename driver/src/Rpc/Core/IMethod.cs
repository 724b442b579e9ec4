namespace Grpc.Core;

/// <summary>A method without its message types.</summary>
public interface IMethod
{
    MethodType Type { get; }

    /// <summary>With its package: <c>csi.v1.Controller</c>.</summary>
    string ServiceName { get; }

    string Name { get; }

    /// <summary>The path on the wire: <c>/csi.v1.Controller/CreateVolume</c>.</summary>
    string FullName { get; }
}
