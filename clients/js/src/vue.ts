import { defineComponent, h, type PropType } from "vue";
import { type Operations } from "./parameters.js";
import { sourcesOf, type Options, type PictureOptions } from "./url.js";

/** A `<picture>` of the picture `name`; further attributes are those of its `<img>`.
 *
 * `options` has the parameters of the URL, such as `{ fit: "crop" }`. */
export const LivePicture = defineComponent({
  name: "LivePicture",
  inheritAttrs: false,
  props: {
    name: { type: String, required: true },
    width: { type: Number, default: 0 },
    height: { type: Number, default: 0 },
    alt: { type: String, required: true },
    base: { type: String, default: "" },
    sizes: { type: String, default: "" },
    widths: { type: Array as PropType<readonly number[]>, default: undefined },
    densities: { type: Array as PropType<readonly number[]>, default: undefined },
    formats: { type: Array as PropType<readonly string[]>, default: undefined },
    original: { type: Array as unknown as PropType<readonly [number, number]>, default: undefined },
    options: { type: Object as PropType<Operations & Options>, default: () => ({}) },
  },
  setup(props, { attrs }) {
    return () => {
      const { name, width, height, options, ...given } = props;
      const wanted = { ...options, ...given } as PictureOptions;
      const { sources, image } = sourcesOf(name, width, height, wanted);
      return h("picture", [
        ...sources.map((each) => h("source", { key: each["type"], ...each })),
        h("img", { ...image, ...attrs }),
      ]);
    };
  },
});
