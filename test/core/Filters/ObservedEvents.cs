using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters;

/// <summary>The events with which the original's filters were observed.</summary>
internal static class ObservedEvents
{
    public static readonly (string Id, CloudEvent Event)[] All =
    [
        (
            "a",
            Event(
                ("ce-type", "order.created"),
                ("ce-source", "/shop/eu"),
                ("content-type", "application/json"),
                ("ce-subject", "item-1"),
                ("ce-time", "2024-01-02T03:04:05Z"),
                ("ce-dataschema", "http://x/schema"),
                ("ce-color", "red"),
                ("ce-n", "5"),
                ("ce-id", "a")
            )
        ),
        (
            "b",
            Event(
                ("ce-type", "order.deleted"),
                ("ce-source", "/shop/us"),
                ("content-type", "text/plain"),
                ("ce-subject", "item-22"),
                ("ce-color", "blue"),
                ("ce-n", "10"),
                ("ce-time", "2024-01-02T03:04:05.500Z"),
                ("ce-flag", "true"),
                ("ce-id", "b")
            )
        ),
        ("c", Event(("ce-type", "ORDER.CREATED"), ("ce-source", "/shop/eu"), ("ce-color", "Red"), ("ce-n", "x"), ("ce-id", "c"))),
        (
            "d",
            Event(
                ("ce-type", "invoice.created"),
                ("ce-source", "/Shop/EU"),
                ("content-type", "text/plain"),
                ("ce-color", ""),
                ("ce-id", "d")
            )
        ),
        ("e", Event(("ce-type", "t"), ("ce-source", "/s"), ("content-type", "text/plain"), ("ce-id", "e"))),
        (
            "f",
            Decoded(
                Record(
                    Utf8(
                        """{"specversion":"1.0","id":"f","source":"/s","type":"order.created","n":5,"flag":true,"color":"red","time":"2024-01-02T05:04:05+02:00","data":{}}"""
                    ),
                    ("content-type", "application/cloudevents+json")
                )
            )
        ),
        (
            "g",
            Event(
                ("ce-type", "größe"),
                ("ce-source", "/s"),
                ("content-type", "text/plain"),
                ("ce-color", "röt"),
                ("ce-subject", "item"),
                ("ce-id", "g")
            )
        ),
        (
            "h",
            Event(
                ("ce-specversion", "0.3"),
                ("ce-type", "order.created"),
                ("ce-source", "/s"),
                ("ce-subject", "item-3"),
                ("ce-color", "reddish"),
                ("ce-schemaurl", "http://x/old"),
                ("ce-id", "h")
            )
        ),
    ];

    public static string PassingOf(EventFilter filter)
    {
        var passed = "";
        for (var i = 0; i < All.Length; i++)
        {
            var overlay = new EventOverlay([new(Utf8("knativekafkaoffset"), Utf8($"{i}"), AttributeType.Integer)]);
            passed += filter.Matches(new FilterInput(All[i].Event, overlay)) ? All[i].Id : "";
        }

        return passed;
    }
}
